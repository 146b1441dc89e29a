"""Follows the live generation: applies records to it, or to one that is built alongside it."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, assert_never

import structlog

from contracts.keys import Fingerprint, LivePointer
from projector import metrics
from projector.consumer.assignment import Assignment
from projector.consumer.event_log import EventLog
from projector.generation_policy import (
    Build,
    Park,
    Situation,
    TakeOver,
    decide,
    fingerprint_of,
)
from projector.membership import Membership, until_live_moves
from projector.operations.accept import accept_dead_letters
from projector.patience import Patience
from projector.preflight import check_redis_settings, check_topic_settings
from projector.readiness import not_ready
from projector.settings import Settings
from projector.store.client import connect
from projector.store.generations import (
    FIRST,
    ensure_live,
    find_or_create_building,
    predecessor,
)
from projector.tracing.traces import traces_of

log = structlog.get_logger()

CANCEL_S: Final = 0.5
"""Seconds after which a cancellation that had no effect is repeated."""

CLOSE_S: Final = 15.0
"""Seconds that closing gracefully may take: the group is left, what is under way is finished."""

STOP_ATTEMPTS: Final = 20


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
        self._membership: Membership | None = None

    @property
    def assignment(self) -> Assignment | None:
        """What this process owns; None while it is in no group."""
        return self._membership.assignment if self._membership else None

    def not_ready(self) -> dict[str, Any]:
        """What keeps the projector from being ready, by name; empty if it is ready."""
        if self._membership is None:
            return {"status": self._patience.waiting_for}
        return not_ready(self._membership.assignment, self._membership.topic)

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
                await until_live_moves(self._client, self._log, live, partitions)
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
        topic, through = self._settings.events_topic, self._accept_through or 0
        await accept_dead_letters(self._client, topic, live, through, self._accept_partition)
        self._accept_through = None

    async def _project(self, mine: LivePointer, alongside: LivePointer | None = None) -> None:
        """Apply records to `mine` until another generation is to be followed.

        `alongside`: the live generation, if `mine` is built alongside it.
        """
        membership = self._membership = Membership(
            self._settings, self._client, self._log, self._traces, mine, alongside
        )
        try:
            await membership.run(self._patience)
        finally:
            self._is_closing = True
            await membership.leave()
            self._is_closing = False
            self._patience.waiting_for = "another generation has become live"
            self._membership = None
        if membership.has_been_live:
            self._was_live = mine.fingerprint


def _exit_if_failed(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception():
        log.error("projector_failed", exc_info=task.exception())
        sys.exit(1)
