"""What every command prints, and the exit code of an engine that cannot be reached."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any, Final

from projector.consumer import aiokafka_patch
from projector.consumer.errors import UNAVAILABLE
from projector.consumer.event_log import TopicMissing

SHOWN: Final = 100
"""Differences that are printed; the others are only counted."""


def exit_code_of(command: str, work: Coroutine[Any, Any, int]) -> int:
    """Run the command's work; its exit code.

    A topic that does not exist, or an unknown aiokafka, is one line and code 1, an engine that
    cannot be reached is one line and code 3, an interrupt is code 130.
    """
    try:
        aiokafka_patch.install()
    except aiokafka_patch.UnknownAiokafka as error:
        work.close()
        echo_error(command, error)
        return 1
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        sys.stderr.write(f"{command}: stopped\n")
        return 130
    except TopicMissing as error:
        sys.stderr.write(
            f"{command}: there is no topic {error}; see OBZVON_EVENTS_TOPIC "
            "and OBZVON_DEAD_LETTER_TOPIC\n"
        )
        return 1
    except UNAVAILABLE as error:
        sys.stderr.write(
            f"{command}: {type(error).__name__}: {error}. Check OBZVON_KAFKA_BOOTSTRAP_SERVERS "
            "and OBZVON_REDIS_URL, and that both run\n"
        )
        return 3


def echo(line: str) -> None:
    """Print a line at once, also if the output goes to a file."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def echo_error(command: str, message: object) -> None:
    sys.stderr.write(f"{command}: {message}\n")
