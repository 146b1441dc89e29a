"""The projector as a process: settings, store, consumer, health."""

import asyncio
import gc
import signal
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

import structlog
import uvicorn
from aiokafka.errors import KafkaError

from contracts.keys import Fingerprint, ShardKeys
from projector.consumer.log import Log, TopicMissing
from projector.consumer.owner import COMMIT_S, RETENTION_S, SAMPLE_S, Owner
from projector.consumer.pauses import growing
from projector.consumer.subscription import subscribe
from projector.health import health_app
from projector.logs import configure_logs
from projector.settings import Settings
from projector.store.client import connect
from projector.store.generations import FIRST, ensure_live
from projector.store.shard import UNREACHABLE, Shard

log = structlog.get_logger()

FOLD_VERSION = 1
"""Raise it with every change of the fold's rules or of a shard's layout: see ADR 1."""

NOT_YET = (KafkaError, TimeoutError, TopicMissing, *UNREACHABLE)
"""What engines raise that are away or not set up yet."""


class Projector:
    """Everything that runs in the process; `start` and `stop` it once."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._client = connect(settings.redis_url)
        self._log = Log(settings.events_topic, settings.dead_letter_topic, settings.kafka_options())
        self._running: asyncio.Task[None] | None = None
        self._waiting_for = "not started"
        self.owner: Owner | None = None

    def not_ready(self) -> dict[str, Any]:
        """What keeps the projector from being ready, by name."""
        if self.owner is None:
            return {"status": self._waiting_for}
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
            self._running.cancel()
            with suppress(asyncio.CancelledError):
                await self._running
            await self._client.aclose()

    async def _run(self) -> None:
        settings = self._settings
        await self._retried(self._log.start)
        try:
            partitions = await self._retried(self._log.partitions)
            fingerprint = fingerprint_of(settings, partitions)
            live = await self._retried(lambda: ensure_live(self._client, FIRST, fingerprint))
            calendar = settings.calendar
            self.owner = owner = Owner(
                self._client,
                self._log,
                fingerprint,
                live.generation,
                today=lambda: datetime.now(calendar.timezone).date().isoformat(),
                new_shard=lambda keys: self._shard(keys, fingerprint),
            )
            broker = subscribe(settings, owner, f"{settings.group_id}.{live.generation}")
            try:
                await self._retried(broker.start)
                await asyncio.gather(
                    owner.every(SAMPLE_S, owner.tick),
                    owner.every(COMMIT_S, owner.commit_offsets),
                    owner.every(RETENTION_S, owner.retain),
                )
            finally:
                await owner.close()
                await broker.stop()
        finally:
            await self._log.stop()

    def _shard(self, keys: ShardKeys, fingerprint: Fingerprint) -> Shard:
        return Shard(
            self._client,
            keys,
            fingerprint,
            self._settings.calendar,
            cached_tasks=max(1, self._settings.cached_tasks // fingerprint.partitions),
        )

    async def _retried(self, work: Callable[[], Any]) -> Any:
        for pause in growing():
            try:
                return await work()
            except NOT_YET as error:
                await self._wait(error, pause)
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


def fingerprint_of(settings: Settings, partitions: int) -> Fingerprint:
    """What this projector computes with."""
    return Fingerprint(
        fold=FOLD_VERSION,
        timezone=settings.timezone,
        day_end=settings.day_end,
        retention_days=settings.retention_days,
        topic=settings.events_topic,
        partitions=partitions,
    )


def tune_collector() -> None:
    """Look for reference cycles rarely: the caches are millions of objects without one."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 50, 1_000)


def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT."""
    configure_logs(settings.log_level)
    tune_collector()
    projector = Projector(settings)
    for number in (signal.SIGINT, signal.SIGTERM):  # uvicorn raises them again when it is done
        signal.signal(number, signal.SIG_IGN)
    uvicorn.run(
        health_app(projector.running(), projector.not_ready),
        host=settings.projector_host,
        port=settings.projector_port,
        log_level="warning",
        access_log=False,
    )
