"""`python -m projector …` as an operator runs it: in a process of its own."""

import os
import sys

from support.command import Ended, ended
from support.projecting import RETENTION_DAYS
from support.topics import Topic


async def projector_command(
    topic: Topic, redis_url: str, *arguments: str, within_s: float = 60.0, **more: str
) -> Ended:
    """Run the command to its end. `more` are settings, without their OBZVON_."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OBZVON_")}
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": topic.bootstrap,
        "EVENTS_TOPIC": topic.events,
        "DEAD_LETTER_TOPIC": topic.dead_letters,
        "GROUP_ID": topic.events,
        "REDIS_URL": redis_url,
        "RETENTION_DAYS": str(RETENTION_DAYS),
        **more,
    }
    return await ended(
        sys.executable,
        "-m",
        "projector",
        *arguments,
        env=ours | {f"OBZVON_{name}": value for name, value in settings.items()},
        within_s=within_s,
    )
