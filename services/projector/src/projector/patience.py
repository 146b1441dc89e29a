"""Waiting for Kafka and Redis, as long as they are away or not set up yet."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog

from projector.consumer.errors import UNAVAILABLE
from projector.consumer.event_log import TopicMissing
from runtime.backoff import exponential

log = structlog.get_logger()

Answer = TypeVar("Answer")


class Patience:
    """Repeats what fails, and knows what is waited for."""

    def __init__(self) -> None:
        self.waiting_for = "not started"
        """For a person."""
        self.is_stopping = False
        """Nothing more is to be begun."""

    async def retried(self, work: Callable[[], Awaitable[Answer]]) -> Answer:
        """Do the work until it succeeds; its answer."""
        for pause in exponential():
            try:
                done = await work()
            except (TopicMissing, *UNAVAILABLE) as error:
                self.waiting_for = describe(error)
                log.warning("waiting", reason=self.waiting_for)
                await asyncio.sleep(pause)
            else:
                if self.is_stopping:  # and the cancellation got lost in there
                    raise asyncio.CancelledError
                return done
        raise AssertionError("pauses never end")


def describe(error: Exception) -> str:
    """What is waited for after this error, for a person."""
    if isinstance(error, TopicMissing):
        return (
            f"waiting for the topic {error}: create it, or name another one in OBZVON_EVENTS_TOPIC"
        )
    return f"waiting: {type(error).__name__}: {error}"
