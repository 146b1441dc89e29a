"""A partition that is assigned to this process, and its shard.

Its life::

    assigned (paused) ─► restoring: claim the shard, check that the log is the one it was folded
                         from, seek to its offset, resume ─► live
    live ─► restoring    whenever a write was refused, Redis or Kafka failed, or an offset came
                         that does not follow
    restoring ─► parked  when going on would make the report wrong; looked at again every 10 s
    any ─► (gone)        when the group takes the partition away
"""

import asyncio
import time
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any, Literal, Protocol

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import OffsetOutOfRangeError

from contracts.keys import ShardKeys
from contracts.meta import Meta
from projector import metrics
from projector.consumer.continuity import Extent, has_last_record, why_another_log
from projector.consumer.errors import CLAIM_AGAIN, Parked, label_of
from projector.consumer.event_log import mark_of
from projector.consumer.generation import FoldedGeneration
from projector.consumer.outgoing import send_again
from projector.consumer.storm_guard import StormGuard
from projector.consumer.watermark import Watermark
from projector.store.errors import ForeignFingerprint, Retired
from projector.store.generations import ensure_live, predecessor
from projector.store.shard import ClaimedShard
from runtime.backoff import exponential

log = structlog.get_logger()

PARKED_S = 10.0
"""Seconds after which a parked shard is looked at again."""

MOST_FAILURES = 8
"""Restores in a row after which the pause before the next one grows no more."""

State = Literal["restoring", "live", "parked"]


class Holder(Protocol):
    """What a partition asks of the assignment that it is part of."""

    @property
    def consumer(self) -> AIOKafkaConsumer | None: ...
    def holds(self, owned: "OwnedPartition") -> bool: ...
    def release(self, owned: "OwnedPartition") -> None: ...
    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]": ...


class OwnedPartition:
    """A partition with its shard."""

    def __init__(self, partition: int, generation: FoldedGeneration, holder: Holder) -> None:
        self.partition = partition
        self.topic_partition = TopicPartition(generation.log.topic, partition)
        self.lock = asyncio.Lock()
        """Held while the shard is used: it is not safe for two callers at once."""
        self.state: State = "restoring"
        self.reason = "assigned"
        """Why it is not live, for a person."""
        self.failures = 0
        """Restores since the last batch that went through."""
        self.watermark = Watermark()
        self.storms = StormGuard(generation, partition)
        self._generation = generation
        self._holder = holder
        self._restoring: asyncio.Task[None] | None = None
        self._claimed: ClaimedShard | None = None

    @property
    def shard(self) -> ClaimedShard:
        """The shard of a partition that is live."""
        assert self._claimed is not None
        return self._claimed

    @property
    def offset(self) -> int:
        """The offset that the shard is at; -1 if it has not been claimed or has none."""
        return self._claimed.position.offset if self._claimed else -1

    # --- restoring ----------------------------------------------------------------------------------

    def restore(self, reason: str, parked: str = "") -> None:
        """Have the shard claimed and read again; until then its records are dropped.

        With `parked` it is parked for that reason first.
        """
        if not self._holder.holds(self):
            return
        if self.state == "restoring" and self._restoring and not self._restoring.done():
            return
        consumer = self._holder.consumer
        if consumer is None:
            return  # stopped already
        consumer.pause(self.topic_partition)
        if self._generation.is_yielding:
            self._holder.release(self)
            return
        self.state, self.reason = "restoring", reason
        metrics.LIVE.labels(self.partition).set(0)
        metrics.RESTORES.labels(reason).inc()
        self._restoring = self._holder.start(self._restore(parked))

    def claim_again(self, event: str, error: Exception) -> None:
        """Restore the partition after `error`, which is logged as `event`."""
        if not self._generation.is_yielding:
            log.warning(event, partition=self.partition, reason=str(error))
        self.restore(label_of(error))

    def cancel(self) -> None:
        """Stop restoring it."""
        if self._restoring:
            self._restoring.cancel()
            self._restoring = None

    async def _restore(self, parked: str) -> None:
        pauses = exponential()
        if parked:
            await self._park(parked)
            await asyncio.sleep(PARKED_S)
        for _ in range(min(self.failures, MOST_FAILURES)):
            pause = next(pauses)
        if self.failures:
            await asyncio.sleep(pause)
        self.failures += 1
        while True:
            try:
                async with self.lock:
                    return await self._claim()
            except Parked as error:
                await self._park(str(error))
                await asyncio.sleep(PARKED_S)
            except CLAIM_AGAIN as error:
                self.reason = f"{type(error).__name__}: {error}"
                log.warning("restore_waits", partition=self.partition, reason=self.reason)
                await asyncio.sleep(next(pauses))
            except Exception as error:
                self.reason = f"{type(error).__name__}: {error}"
                log.exception("restore_failed", partition=self.partition)
                await asyncio.sleep(next(pauses))

    async def _park(self, reason: str) -> None:
        if self.state != "parked" or self.reason != reason:
            log.error("shard_parked", partition=self.partition, reason=reason)
        self.state, self.reason = "parked", reason
        metrics.PARKED.labels(self.partition).set(1)
        if self._claimed is None:
            return  # so there is nothing to note it in
        try:
            await self._claimed.note({"parked": reason})
        except Exception as error:  # noqa: BLE001 -- parked already, and said so above
            log.debug("parking_not_noted", partition=self.partition, error=str(error))

    # --- claiming -----------------------------------------------------------------------------------

    async def _claim(self) -> None:
        generation = self._generation
        if self.partition >= generation.partitions:
            raise Parked(
                f"the topic has got more partitions than {generation.partitions}, which "
                f"generation {generation.name} has: run `python -m projector rebuild`"
            )
        if not generation.is_building:
            pointer = await ensure_live(generation.client, generation.name, generation.fingerprint)
            if pointer.generation != generation.name:
                raise Retired(f"generation {pointer.generation} is live now")
        try:
            unclaimed = generation.shard(self.partition)
            shard = await unclaimed.claim(generation.status, generation.horizon())
        except ForeignFingerprint as error:
            raise Parked(
                f"generation {generation.name} is another one's: {error}. "
                "Restore the settings, or run `python -m projector rebuild`"
            ) from error
        self._claimed, meta = shard, shard.meta
        extent = (await generation.log.extents([self.partition]))[self.partition]
        if meta.offset < 0:
            await shard.start_at(extent.begin, await self._complete_since(extent))
        else:
            await self._require_same_log(extent)
            await self.storms.require_storm_over(meta.recent, meta.offset, extent)
            if not generation.is_building and meta.status == "building":
                await self._take_over(extent)
            if meta.parked:
                await shard.note({"parked": ""})
        self._go_live(meta)

    def _go_live(self, meta: Meta) -> None:
        consumer = self._holder.consumer
        if not self._holder.holds(self) or consumer is None:
            return  # taken away, or stopped, meanwhile
        offset = self.shard.position.offset
        self.watermark = Watermark(meta.as_of)
        consumer.seek(self.topic_partition, offset)
        self.state, self.reason = "live", ""
        metrics.LIVE.labels(self.partition).set(1)
        metrics.PARKED.labels(self.partition).set(0)
        consumer.resume(self.topic_partition)
        log.info("shard_live", partition=self.partition, offset=offset)

    async def _require_same_log(self, extent: Extent) -> None:
        """Raise `Parked` unless the partition is the one that the shard was folded from."""
        at, event_log, last = self.shard.position, self._generation.log, None
        if has_last_record(extent, at):
            try:
                last = await event_log.record_at(self.partition, at.last_offset, extent.end)
            except OffsetOutOfRangeError:  # retention removed it just now
                extent = Extent(at.last_offset + 1, extent.end)
        mark = mark_of(last) if last else None
        reason = why_another_log(event_log.topic, self.partition, extent, at, mark)
        if reason:
            raise Parked(reason)

    async def _take_over(self, extent: Extent) -> None:
        """Make a shard live that was built in silence.

        If it is further than that of the generation before it, that one may not have sent what
        had to be sent. Sending it once more does no harm.
        """
        generation = self._generation
        before = await predecessor(generation.client, generation.name)
        if before and before.fingerprint.topic == generation.log.topic:
            keys = ShardKeys(before.generation, self.partition)
            meta = Meta.decode(await generation.client.hgetall(keys.meta))
            if meta:
                begin, end = max(meta.offset, extent.begin), self.shard.position.offset
                await send_again(generation.log, self.partition, generation.partitions, begin, end)
        await self.shard.note({"status": "live"})

    async def _complete_since(self, extent: Extent) -> str | None:
        """The moment of the log's first record, if retention has removed earlier ones."""
        if extent.begin == 0:
            return None
        first = await self._generation.log.record_at(self.partition, extent.begin, extent.end)
        moment = first.timestamp / 1000 if first and first.timestamp >= 0 else time.time()
        return datetime.fromtimestamp(moment, UTC).isoformat()
