"""The projector as a process: settings, store, consumer, health."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any, assert_never

import structlog
import uvicorn
from aiokafka.errors import KafkaError
from faststream.kafka import KafkaBroker

from contracts.keys import Fingerprint, LivePointer, ShardKeys
from projector import metrics
from projector.consumer.log import Log, TopicMissing
from projector.consumer.owner import COMMIT_S, RETENTION_S, SAMPLE_S, TOPIC_S, Owner
from projector.consumer.subscription import is_coordinated, subscribe
from projector.consumer.topic import doubts, read_configs
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
from projector.health import health_app
from projector.settings import Settings
from projector.store.client import connect, evicting
from projector.store.generations import (
    FIRST,
    accept,
    building,
    ensure_live,
    live_pointer,
    metas,
    predecessor,
    switch,
    tasks,
    tidy,
)
from projector.store.shard import UNREACHABLE, Shard
from projector.tracing.traces import traces_of
from runtime.backoff import exponential
from runtime.logs import configure_logs
from runtime.process import exit_on_signals, freeze_garbage
from runtime.tasks import cancel_all

log = structlog.get_logger()

NOT_YET = (KafkaError, TimeoutError, TopicMissing, *UNREACHABLE)
"""What engines raise that are away or not set up yet."""


CANCEL_S = 0.5
"""Seconds after which a cancellation that showed no effect is repeated."""

CLOSE_S = 15.0
"""Seconds that closing in order may take: the group is left, what is under way is finished."""

STOP_ATTEMPTS = 20

TIDY_S = 15.0
"""Seconds between two looks for retired generations to drop."""


class Projector:
    """Everything that runs in the process; `start` and `stop` it once."""

    def __init__(
        self,
        settings: Settings,
        *,
        accept_through: int | None = None,
        partition: int | None = None,
    ) -> None:
        self._settings = settings
        self._client = connect(settings.redis_url)
        self._traces = traces_of(settings.traces_endpoint, settings.traces_sample)
        self._log = Log(settings.events_topic, settings.dead_letter_topic, settings.kafka_options())
        self._running: asyncio.Task[None] | None = None
        self._is_stopping = False
        self._is_closing = False
        self._was_live: Fingerprint | None = None
        self._accept_through, self._accept_partition = accept_through, partition
        self._waiting_for = "not started"
        self.owner: Owner | None = None

    def not_ready(self) -> dict[str, Any]:
        """What keeps the projector from being ready, by name.

        A process that the group gave no partitions is ready: it stands by. But only once it has
        joined, since before that nobody knows what it will have to do.
        """
        if self.owner is None:
            return {"status": self._waiting_for}
        if self.owner.is_building:
            return {"status": f"building generation {self.owner.generation}"}
        if self.owner.is_cut_off:
            return {"status": "waiting: Kafka does not answer"}
        if self.owner.topic_trouble:
            return {"status": self.owner.topic_trouble}
        if not self.owner.has_joined:
            return {"status": "joining the consumer group"}
        waiting = {
            str(owned.partition): f"{owned.state}: {owned.reason}"
            for owned in self.owner.owned.values()
            if owned.state != "live"
        }
        if waiting:
            return {"status": "some shards are not live", "shards": waiting}
        return {}

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run in the background while the context lasts."""
        self._running = asyncio.create_task(self._run())
        self._running.add_done_callback(_report)
        try:
            yield
        finally:
            self._is_stopping = True
            await self._ended(self._running)
            await self._client.aclose()
            await asyncio.to_thread(self._traces.close)

    async def _ended(self, running: "asyncio.Task[None]") -> None:
        """Cancel until it has ended.

        aiokafka and redis-py can lose a cancellation while they connect. What closes in order is
        given the time for it.
        """
        for _ in range(STOP_ATTEMPTS):
            running.cancel()
            await asyncio.wait({running}, timeout=CLOSE_S if self._is_closing else CANCEL_S)
            if running.done():
                return
        log.error("stop_gave_up", reason="the projector did not end when it was told to")

    async def _run(self) -> None:
        try:
            await self._retried(self._log.start)
            await self._retried(self._look_at_topic)
            await self._retried(self._look_at_redis)
            while True:
                await self._follow_live()
        finally:
            self._is_closing = True
            await self._log.stop()

    async def _look_at_topic(self) -> None:
        """Say loudly what of the topic's settings would cost the report its past."""
        settings = self._settings
        await self._log.partitions()  # it must exist
        configs = await read_configs(settings.events_topic, settings.kafka_options())
        found = doubts(settings.events_topic, configs, settings.retention_days)
        metrics.TOPIC_DOUBTS.set(len(found))
        for doubt in found:
            log.error("topic_would_lose_events", reason=doubt)

    async def _look_at_redis(self) -> None:
        """Say loudly where Redis may throw away what the report counts, and nobody would know."""
        found = await evicting(self._client)
        metrics.REDIS_EVICTS.set(len(found))
        for server, policy in found.items():
            log.error(
                "redis_would_lose_figures",
                reason=f"{server} has maxmemory-policy={policy}: what it evicts is missing from "
                "the report, and nothing tells; set it to noeviction",
            )

    async def _follow_live(self) -> None:
        """Project the generation that is live, or one beside it, until another one is live."""
        partitions = await self._retried(self._log.partitions)
        fingerprint = fingerprint_of(self._settings, partitions)
        live = await self._retried(lambda: ensure_live(self._client, FIRST, fingerprint))
        if self._accept_through is not None:
            await self._retried(lambda: self._accept(live))
        match decide(await self._situation(live, fingerprint)):
            case TakeOver():
                self._was_live = fingerprint
                await self._project(live)
            case Build():
                metrics.FOREIGN.set(1)
                mine = await self._retried(lambda: building(self._client, live, fingerprint))
                log.info("building", generation=mine, beside=live.generation)
                await self._project(LivePointer(generation=mine, fingerprint=fingerprint), live)
                metrics.FOREIGN.set(0)
            case Park(reason):
                metrics.FOREIGN.set(1)
                self._waiting_for = f"parked: {reason}"
                log.error("projector_parked", reason=reason)
                await self._until_moved(live, partitions)
                metrics.FOREIGN.set(0)
            case decision:
                assert_never(decision)

    async def _project(self, mine: LivePointer, beside: LivePointer | None = None) -> None:
        settings, calendar = self._settings, self._settings.calendar
        fingerprint = mine.fingerprint
        group = f"{settings.group_id}.{mine.generation}"
        self.owner = owner = Owner(
            self._client,
            self._log,
            fingerprint,
            mine.generation,
            today=lambda: datetime.now(calendar.timezone).date().isoformat(),
            new_shard=lambda keys: self._shard(keys, fingerprint),
            is_building=beside is not None,
            is_silent=beside is not None and is_same_log(beside.fingerprint, fingerprint),
            group=group,
            traces=self._traces,
        )
        broker: KafkaBroker | None = None

        async def join() -> None:
            nonlocal broker
            if broker:  # what is left of a start that failed may still be in the group
                await broker.stop()
            broker = subscribe(settings, owner, group)
            await broker.start()

        try:
            await self._retried(join)
            works = [
                _until_uncoordinated(owner),
                self._until_overtaken(owner, mine, beside),
                owner.every(SAMPLE_S, owner.tick),
                owner.every(TOPIC_S, owner.look_at_topic),
                owner.every(COMMIT_S, owner.commit_offsets),
                owner.every(RETENTION_S, owner.retain),
                owner.every(TIDY_S, partial(tidy, self._client)),
            ]
            if beside:
                works.append(owner.every(SAMPLE_S, partial(self._switch, owner, beside, mine)))
            await first_of(*works)
        finally:
            self._is_closing = True
            await owner.close()
            if broker:
                await broker.stop()
            self._is_closing = False
            self._waiting_for = "another generation has become live"
            self.owner = None

    async def _until_overtaken(
        self, owner: Owner, mine: LivePointer, beside: LivePointer | None
    ) -> None:
        """Return once another generation than this one is live, or the topic has other partitions.

        One that was built becomes live where it stands: nobody leaves the group for it.
        """
        partitions = mine.fingerprint.partitions
        if beside:
            if await self._until_moved(beside, partitions) != mine.generation:
                return
            self._was_live = mine.fingerprint
            metrics.FOREIGN.set(0)
            owner.go_live()
        await self._until_moved(mine, partitions)

    async def _until_moved(self, live: LivePointer, partitions: int) -> str | None:
        """Wait until another generation is live: that one; or until the topic has other partitions."""
        while True:
            await asyncio.sleep(SAMPLE_S)
            try:
                pointer = await live_pointer(self._client)
                found = await self._log.partitions()
            except NOT_YET:
                continue
            if pointer is not None and pointer.generation != live.generation:
                log.info("live_moved", was=live.generation, now=pointer.generation)
                return pointer.generation
            if found != partitions:
                log.warning("partitions_changed", was=partitions, now=found)
                return None

    async def _situation(self, live: LivePointer, mine: Fingerprint) -> Situation:
        settings = self._settings
        before = None
        if live.fingerprint != mine:
            before = await self._retried(lambda: predecessor(self._client, live.generation))
        return Situation(
            live, mine, self._was_live, before and before.fingerprint, settings.on_foreign
        )

    async def _switch(self, owner: Owner, live: LivePointer, mine: LivePointer) -> None:
        """Make the generation that was built beside the live one live, once it is as fresh."""
        if not owner.is_building:
            return
        now = time.time() * 1000
        shards = await metas(self._client, mine.generation, mine.fingerprint)
        if not has_caught_up(shards, now):
            return
        counts = [
            await tasks(self._client, one.generation, one.fingerprint) for one in (live, mine)
        ]
        if await switch(self._client, live, mine):
            log.info(
                "switched",
                was=live.generation,
                now=mine.generation,
                tasks_before=counts[0],
                tasks_now=counts[1],
            )

    async def _accept(self, live: LivePointer) -> None:
        """Accept the dead letters of the given partition, or of those that a storm has parked."""
        offset, wanted = self._accept_through or 0, self._accept_partition
        shards = await metas(self._client, live.generation, live.fingerprint)
        for partition, meta in enumerate(shards):
            is_parked = meta is not None and (meta.parked or "").startswith("dead-letter storm")
            if wanted in (partition, None) and (is_parked or wanted is not None):
                await accept(self._client, self._settings.events_topic, partition, offset)
                log.warning("dead_letters_accepted", partition=partition, through=offset)
        self._accept_through = None

    def _shard(self, keys: ShardKeys, fingerprint: Fingerprint) -> Shard:
        return Shard(
            self._client,
            keys,
            fingerprint,
            self._settings.calendar,
            cached_tasks=max(1, self._settings.cached_tasks // fingerprint.partitions),
        )

    async def _retried(self, work: Callable[[], Any]) -> Any:
        for pause in exponential():
            try:
                done = await work()
            except NOT_YET as error:
                await self._wait(error, pause)
            else:
                if self._is_stopping:  # and the cancellation got lost in there
                    raise asyncio.CancelledError
                return done
        raise AssertionError("pauses never end")

    async def _wait(self, error: Exception, pause: float) -> None:
        self._waiting_for = _said(error)
        log.warning("waiting", reason=self._waiting_for)
        await asyncio.sleep(pause)


def _said(error: Exception) -> str:
    if isinstance(error, TopicMissing):
        return (
            f"waiting for the topic {error}: create it, or name another one in OBZVON_EVENTS_TOPIC"
        )
    return f"waiting: {type(error).__name__}: {error}"


def _report(task: asyncio.Task[None]) -> None:
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


async def _until_uncoordinated(owner: Owner) -> None:
    """Return when the consumer has dropped out of its group for good; it has to be made anew."""
    while True:
        await asyncio.sleep(SAMPLE_S)
        if not is_coordinated(owner.consumer):
            break
    log.error("group_lost", reason="the consumer's coordination ended; joining anew")


def tune_collector() -> None:
    """Look for reference cycles rarely: the caches are millions of objects without one."""
    freeze_garbage((100_000, 50, 1_000))


def run(
    settings: Settings, *, accept_through: int | None = None, partition: int | None = None
) -> None:
    """Run until SIGTERM or SIGINT."""
    configure_logs(settings.log_level, traced=settings.traces_endpoint is not None)
    tune_collector()
    projector = Projector(settings, accept_through=accept_through, partition=partition)
    exit_on_signals()
    uvicorn.run(
        health_app(projector.running(), projector.not_ready),
        host=settings.projector_host,
        port=settings.projector_port,
        log_level="warning",
        access_log=False,
    )
