"""Whether the topic is there as it was: without it nobody owns anything that could park."""

import time
from typing import Final

import structlog

from projector.consumer.event_log import TopicMissing
from projector.consumer.generation import FoldedGeneration

log = structlog.get_logger()

TOPIC_S: Final = 2.0
"""Seconds between two looks at the topic itself."""

SILENT_S: Final = 10.0
"""Seconds without an answer of Kafka after which the projector is not ready."""


class TopicWatch:
    """What was last found out about the topic."""

    def __init__(self, generation: FoldedGeneration) -> None:
        self._generation = generation
        self.trouble: str | None = None
        """What is wrong with the topic, for a person."""
        self._answered_at = time.monotonic()
        """When Kafka last answered."""

    @property
    def is_cut_off(self) -> bool:
        """Whether Kafka has not answered for a while: the shards get no records, and look live."""
        return time.monotonic() - self._answered_at > SILENT_S

    async def check_topic(self) -> None:
        """Look at the topic, and log what is wrong with it if that is new."""
        trouble = await self._trouble()
        if trouble and trouble != self.trouble:
            log.error("topic_trouble", reason=f"{trouble}. See docs/runbook.md, 'Parked shards'")
        self.trouble = trouble
        self._answered_at = time.monotonic()

    async def _trouble(self) -> str | None:
        generation = self._generation
        topic = generation.log.topic
        try:
            found = await generation.log.partitions()
        except TopicMissing:
            return f"topic {topic} is gone"
        if found != generation.partitions:
            return (
                f"topic {topic} has {found} partitions, generation "
                f"{generation.name} was folded from {generation.partitions}"
            )
        return None
