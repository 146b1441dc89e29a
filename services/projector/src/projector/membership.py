"""Membership in a generation's consumer group: its records are applied until it is replaced."""

import asyncio
import time
from collections.abc import Coroutine
from typing import Any, Final

import structlog
from faststream.kafka import KafkaBroker

from contracts.keys import LivePointer
from projector import metrics
from projector.consumer.aiokafka_patch import is_coordinated
from projector.consumer.assignment import COMMIT_S, Assignment
from projector.consumer.errors import UNAVAILABLE
from projector.consumer.event_log import EventLog, TopicMissing
from projector.consumer.freshness import SAMPLE_S, sample_freshness
from projector.consumer.generation import FoldedGeneration
from projector.consumer.periodic import every
from projector.consumer.retention import RETENTION_S, apply_retention
from projector.consumer.subscription import subscribe
from projector.consumer.topic_watch import TOPIC_S, TopicWatch
from projector.generation_policy import has_caught_up, is_same_log
from projector.patience import Patience
from projector.settings import Settings
from projector.store.generations import (
    count_tasks,
    drop_retired,
    live_pointer,
    read_metas,
    switch,
)
from projector.tracing.traces import Traces
from runtime.redis import RedisClient
from runtime.tasks import cancel_all

log = structlog.get_logger()

DROP_S: Final = 15.0
"""Seconds between two looks for retired generations to drop."""


class Membership:
    """A member of the consumer group of `mine`, which is live or is built alongside the live one."""

    def __init__(
        self,
        settings: Settings,
        client: RedisClient,
        event_log: EventLog,
        traces: Traces,
        mine: LivePointer,
        alongside: LivePointer | None,
    ) -> None:
        """`alongside`: the live generation, if `mine` is built alongside it."""
        generation = FoldedGeneration.of(settings, client, event_log, mine)
        generation.is_building = alongside is not None
        generation.is_silent = alongside is not None and is_same_log(
            alongside.fingerprint, mine.fingerprint
        )
        generation.group = f"{settings.group_id}.{mine.generation}"
        generation.traces = traces
        self._settings = settings
        self._client = client
        self._log = event_log
        self._mine = mine
        self._alongside = alongside
        self._generation = generation
        self._broker: KafkaBroker | None = None
        self.topic = TopicWatch(generation)
        self.assignment = Assignment(generation)
        self.has_been_live = alongside is None
        """Whether `mine` has been the live generation."""

    async def run(self, patience: Patience) -> None:
        """Join the group and apply records until another generation is to be followed."""
        await patience.retried(self._join)
        works = [
            _until_uncoordinated(self.assignment),
            self._until_replaced(),
            every(SAMPLE_S, sample_freshness, self.assignment),
            every(TOPIC_S, self.topic.check_topic),
            every(COMMIT_S, self.assignment.commit_offsets),
            every(RETENTION_S, apply_retention, self.assignment),
            every(DROP_S, drop_retired, self._client),
        ]
        if self._alongside:
            works.append(every(SAMPLE_S, self._switch, self._alongside))
        await first_of(*works)

    async def leave(self) -> None:
        """Finish what is under way and leave the group."""
        await self.assignment.close()
        if self._broker:
            await self._broker.stop()

    async def _join(self) -> None:
        if self._broker:  # what is left of a start that failed may still be in the group
            await self._broker.stop()
        self._broker = subscribe(self._settings, self.assignment, self._generation.group)
        await self._broker.start()

    async def _until_replaced(self) -> None:
        """Return once another generation than this one is live, or the topic has other partitions.

        One that was built becomes live in place: nobody leaves the group for it.
        """
        mine, partitions = self._mine, self._mine.fingerprint.partitions
        if self._alongside:
            moved_to = await until_live_moves(self._client, self._log, self._alongside, partitions)
            if moved_to != mine.generation:
                return
            self.has_been_live = True
            metrics.FOREIGN.set(0)
            self.assignment.go_live()
        await until_live_moves(self._client, self._log, mine, partitions)

    async def _switch(self, live: LivePointer) -> None:
        """Make the generation that was built alongside the live one live, once it is as fresh."""
        if not self._generation.is_building:
            return
        mine, now_ms = self._mine, time.time() * 1000
        shards = await read_metas(self._client, mine.generation, mine.fingerprint)
        if not has_caught_up(shards, now_ms):
            return
        before, now = [
            await count_tasks(self._client, one.generation, one.fingerprint) for one in (live, mine)
        ]
        if await switch(self._client, live, mine):
            log.info(
                "switched",
                was=live.generation,
                now=mine.generation,
                tasks_before=before,
                tasks_now=now,
            )


async def until_live_moves(
    client: RedisClient, event_log: EventLog, live: LivePointer, partitions: int
) -> str | None:
    """Wait until another generation is live, which is returned; or the partitions change."""
    while True:
        await asyncio.sleep(SAMPLE_S)
        try:
            pointer = await live_pointer(client)
            found = await event_log.partitions()
        except (TopicMissing, *UNAVAILABLE):
            continue
        if pointer is not None and pointer.generation != live.generation:
            log.info("live_moved", was=live.generation, now=pointer.generation)
            return pointer.generation
        if found != partitions:
            log.warning("partitions_changed", was=partitions, now=found)
            return None


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run them until the first one ends, and end the others."""
    running = {asyncio.create_task(work) for work in works}
    try:
        done, _ = await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        await cancel_all(running)


async def _until_uncoordinated(assignment: Assignment) -> None:
    """Return when the consumer has dropped out of its group for good; it has to be made again."""
    while True:
        await asyncio.sleep(SAMPLE_S)
        if not is_coordinated(assignment.consumer):
            break
    log.error("group_lost", reason="the consumer's coordination ended; joining again")
