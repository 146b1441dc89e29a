"""The projector stops at any moment."""

import asyncio
import random
import time
from pathlib import Path

import projector
from projector.supervisor import Supervisor
from support.projecting import projector_settings, running_projector
from support.topics import Topic, fresh_topic
from support.waiting import until

PACKAGE = str(Path(projector.__file__).parent)


async def test_projector_can_be_stopped_at_any_moment_of_its_start(
    topic: Topic, redis_url: str
) -> None:
    chance = random.Random(7)
    for _ in range(25):
        stopping = Supervisor(projector_settings(topic, redis_url))
        async with stopping.running():
            await asyncio.sleep(chance.uniform(0, 0.25))  # the moment is what is tested
            began = time.monotonic()
        assert stopping._running is not None
        assert stopping._running.done()
        assert time.monotonic() - began < 10
        assert not _tasks_of_the_projector()


def _tasks_of_the_projector() -> list[str]:
    """What still runs in this loop: a task left behind can keep the process from ending."""
    running = [task.get_stack(limit=1) for task in asyncio.all_tasks()]
    codes = [stack[0].f_code for stack in running if stack]
    return [code.co_qualname for code in codes if code.co_filename.startswith(PACKAGE)]


async def test_projector_is_ready_once_it_has_joined_even_without_partitions(
    kafka_bootstrap: str, redis_url: str
) -> None:
    async with (
        fresh_topic(kafka_bootstrap, partitions=1) as topic,
        running_projector(topic, redis_url) as one,
    ):
        assert one.not_ready()
        await until(lambda: not one.not_ready(), within_s=30)
        async with running_projector(topic, redis_url) as other:
            both = (one, other)
            await until(lambda: not any(p.not_ready() for p in both), within_s=30)
            owned = [len(p.assignment.partitions) if p.assignment else -1 for p in both]
            assert sorted(owned) == [0, 1]
