"""Follows the live generation: applies records to it, or to one that is built alongside it."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final, assert_never

import structlog
from faststream.kafka import KafkaBroker

from contracts.keys import Fingerprint, LivePointer
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
from projector.generation_policy import (
    Build,
    Park,
    Situation,
    TakeOver,
    decide,
    fingerprint_of,
    has_caught_up,
    is_same_log,
)
from projector.operations.accept import accept_dead_letters
from projector.patience import Patience
from projector.preflight import check_redis_settings, check_topic_settings
from projector.readiness import not_ready
from projector.settings import Settings
from projector.store.client import connect
from projector.store.generations import (
    FIRST,
    count_tasks,
    drop_retired,
    ensure_live,
    find_or_create_building,
    live_pointer,
    predecessor,
    read_metas,
    switch,
)
from projector.tracing.traces import traces_of
from runtime.tasks import cancel_all

log = structlog.get_logger()

CANCEL_S: Final = 0.5
"""Seconds after which a cancellation that had no effect is repeated."""

CLOSE_S: Final = 15.0
"""Seconds that closing gracefully may take: the group is left, what is under way is finished."""

STOP_ATTEMPTS: Final = 20

DROP_S: Final = 15.0
"""Seconds between two looks for retired generations to drop."""


class Supervisor:
    """Everything that runs in the process."""

    def __init__(
        self,
        settings: Settings,
        *,
        accept_through: int | None = None,
        partition: int | None = None,
    ) -> None:
        """`accept_through` and `partition`: the dead letters that the operator gives up."""
        self._settings = settings
        self._client = connect(settings.redis_url)
        self._traces = traces_of(settings.traces_endpoint, settings.traces_sample)
        self._log = EventLog(
            settings.events_topic, settings.dead_letter_topic, settings.kafka_options()
        )
        self._patience = Patience()
        self._running: asyncio.Task[None] | None = None
        self._is_closing = False
        self._was_live: Fingerprint | None = None
        self._accept_through, self._accept_partition = accept_through, partition
        self._topic: TopicWatch | None = None
        self.assignment: Assignment | None = None

    def not_ready(self) -> dict[str, Any]:
        """What keeps the projector from being ready, by name; empty if it is ready."""
        if self.assignment is None or self._topic is None:
            return {"status": self._patience.waiting_for}
        return not_ready(self.assignment, self._topic)

    # --- start and stop ---------------------------------------------------------------------------

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run in the background while the context lasts; once."""
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(_exit_if_failed)
        try:
            yield
        finally:
            self._patience.is_stopping = True
            await self._end(self._running)
            await self._client.aclose()
            await asyncio.to_thread(self._traces.close)

    async def _end(self, running: "asyncio.Task[None]") -> None:
        """Cancel until it has ended.

        aiokafka and redis-py can lose a cancellation while they connect. What closes gracefully
        is given the time for it.
        """
        for _ in range(STOP_ATTEMPTS):
            running.cancel()
            await asyncio.wait({running}, timeout=CLOSE_S if self._is_closing else CANCEL_S)
            if running.done():
                return
        log.error("stop_gave_up", reason="the projector did not end when it was cancelled")

    async def _run(self) -> None:
        retried = self._patience.retried
        try:
            await retried(self._log.start)
            await retried(lambda: check_topic_settings(self._settings, self._log))
            await retried(lambda: check_redis_settings(self._client))
            while True:
                await self._follow_live()
        finally:
            self._is_closing = True
            await self._log.stop()

    # --- which generation -------------------------------------------------------------------------

    async def _follow_live(self) -> None:
        """Do what the policy says about the live generation, until another one is live."""
        retried = self._patience.retried
        partitions = await retried(self._log.partitions)
        mine = fingerprint_of(self._settings, partitions)
        live = await retried(lambda: ensure_live(self._client, FIRST, mine))
        if self._accept_through is not None:
            await retried(lambda: self._accept(live))
        match decide(await retried(lambda: self._situation(live, mine))):
            case TakeOver():
                self._was_live = mine
                await self._project(live)
            case Build():
                metrics.FOREIGN.set(1)
                name = await retried(lambda: find_or_create_building(self._client, live, mine))
                log.info("building", generation=name, beside=live.generation)
                await self._project(LivePointer(generation=name, fingerprint=mine), live)
                metrics.FOREIGN.set(0)
            case Park(reason):
                metrics.FOREIGN.set(1)
                self._patience.waiting_for = f"parked: {reason}"
                log.error("projector_parked", reason=reason)
                await self._until_live_moves(live, partitions)
                metrics.FOREIGN.set(0)
            case decision:
                assert_never(decision)

    async def _situation(self, live: LivePointer, mine: Fingerprint) -> Situation:
        before = None
        if live.fingerprint != mine:
            before = await predecessor(self._client, live.generation)
        predecessors = before.fingerprint if before else None
        return Situation(live, mine, self._was_live, predecessors, self._settings.on_foreign)

    async def _accept(self, live: LivePointer) -> None:
        through = self._accept_through or 0
        await accept_dead_letters(self._client, live, through, self._accept_partition)
        self._accept_through = None

    # --- projecting -------------------------------------------------------------------------------

    async def _project(self, mine: LivePointer, alongside: LivePointer | None = None) -> None:
        """Apply records to `mine` as a member of its consumer group, until it is replaced.

        `alongside`: the live generation, if `mine` is built alongside it.
        """
        settings = self._settings
        generation = FoldedGeneration.of(settings, self._client, self._log, mine)
        generation.is_building = alongside is not None
        generation.is_silent = alongside is not None and is_same_log(
            alongside.fingerprint, mine.fingerprint
        )
        generation.group = group = f"{settings.group_id}.{mine.generation}"
        generation.traces = self._traces
        topic = self._topic = TopicWatch(generation)
        assignment = self.assignment = Assignment(generation)
        broker: KafkaBroker | None = None

        async def join() -> None:
            nonlocal broker
            if broker:  # what is left of a start that failed may still be in the group
                await broker.stop()
            broker = subscribe(settings, assignment, group)
            await broker.start()

        try:
            await self._patience.retried(join)
            works = [
                _until_uncoordinated(assignment),
                self._until_replaced(assignment, mine, alongside),
                every(SAMPLE_S, sample_freshness, assignment),
                every(TOPIC_S, topic.check_topic),
                every(COMMIT_S, assignment.commit_offsets),
                every(RETENTION_S, apply_retention, assignment),
                every(DROP_S, drop_retired, self._client),
            ]
            if alongside:
                works.append(every(SAMPLE_S, self._switch, generation, alongside, mine))
            await first_of(*works)
        finally:
            self._is_closing = True
            await assignment.close()
            if broker:
                await broker.stop()
            self._is_closing = False
            self._patience.waiting_for = "another generation has become live"
            self.assignment = None

    async def _until_replaced(
        self, assignment: Assignment, mine: LivePointer, alongside: LivePointer | None
    ) -> None:
        """Return once another generation than this one is live, or the topic has other partitions.

        One that was built becomes live in place: nobody leaves the group for it.
        """
        partitions = mine.fingerprint.partitions
        if alongside:
            if await self._until_live_moves(alongside, partitions) != mine.generation:
                return
            self._was_live = mine.fingerprint
            metrics.FOREIGN.set(0)
            assignment.go_live()
        await self._until_live_moves(mine, partitions)

    async def _until_live_moves(self, live: LivePointer, partitions: int) -> str | None:
        """Wait until another generation is live, which is returned; or the partitions change."""
        while True:
            await asyncio.sleep(SAMPLE_S)
            try:
                pointer = await live_pointer(self._client)
                found = await self._log.partitions()
            except (TopicMissing, *UNAVAILABLE):
                continue
            if pointer is not None and pointer.generation != live.generation:
                log.info("live_moved", was=live.generation, now=pointer.generation)
                return pointer.generation
            if found != partitions:
                log.warning("partitions_changed", was=partitions, now=found)
                return None

    async def _switch(
        self, generation: FoldedGeneration, live: LivePointer, mine: LivePointer
    ) -> None:
        """Make the generation that was built alongside the live one live, once it is as fresh."""
        if not generation.is_building:
            return
        now_ms = time.time() * 1000
        if not has_caught_up(
            await read_metas(self._client, mine.generation, mine.fingerprint), now_ms
        ):
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


def _exit_if_failed(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception():
        log.error("projector_failed", exc_info=task.exception())
        sys.exit(1)


async def first_of(*works: Coroutine[Any, Any, None]) -> None:
    """Run them until the first one ends, and end the others."""
    tasks_ = {asyncio.create_task(work) for work in works}
    try:
        done, _ = await asyncio.wait(tasks_, return_when=asyncio.FIRST_COMPLETED)
        for one in done:
            one.result()
    finally:
        await cancel_all(tasks_)


async def _until_uncoordinated(assignment: Assignment) -> None:
    """Return when the consumer has dropped out of its group for good; it has to be made again."""
    while True:
        await asyncio.sleep(SAMPLE_S)
        if not is_coordinated(assignment.consumer):
            break
    log.error("group_lost", reason="the consumer's coordination ended; joining again")
