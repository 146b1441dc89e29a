"""What a projector owns: partitions of the topic, each with its shard, from assignment to loss.

The life of a partition here::

    assigned (paused) ─► restoring: claim the shard, check that the log is the one it was folded
                         from, seek to its offset, resume ─► live
    live ─► restoring    whenever a write was refused, Redis or Kafka failed, or an offset came
                         that does not follow
    restoring ─► parked  when going on would make the report wrong; looked at again every 10 s
    any ─► (gone)        when the group takes the partition away

aiokafka hands out records of an assignment before the listener has run, and records that were
fetched before a seek. So only a live partition's records are applied, and only from exactly the
offset at which its shard stands; where an offset is skipped (transactions leave such gaps), the
log itself is asked whether there was anything.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any, Literal

import structlog
from aiokafka import (
    AIOKafkaConsumer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    OffsetAndMetadata,
    TopicPartition,
)
from aiokafka.errors import KafkaError, OffsetOutOfRangeError

from contracts.keys import Fingerprint, Meta, ShardKeys
from projector import metrics
from projector.consumer.continuity import Extent, has_last_record, reaches, why_another_log
from projector.consumer.decode import Dead, Found, Misplaced, decode
from projector.consumer.log import Log, TopicMissing, checksum, mark_of
from projector.consumer.storm import TAIL, Storm, Window, is_over, storm
from projector.fold.facts import Fact
from projector.store.client import RedisClient
from projector.store.generations import accept, accepted, ensure_live, predecessor
from projector.store.position import Position
from projector.store.shard import (
    UNREACHABLE,
    ForeignFingerprint,
    Retired,
    Shard,
    StaleOwner,
)
from projector.tracing.traces import OFF, Chunk, Traces
from runtime.backoff import exponential
from runtime.tasks import cancel_all

log = structlog.get_logger()

CHUNK_RECORDS = 4_000
"""Records folded into one script: a few milliseconds of work for Redis."""

CHUNK_BYTES = 4 << 20
"""Bytes of values in one chunk, whatever their number."""

SAMPLE_S = 1.0
"""Seconds between two looks at the partitions' ends."""

KEPT_SAMPLES = 3_600
"""Looks at the end that wait for the shard to reach it; an hour of lag."""

PARKED_S = 10.0
"""Seconds after which a parked shard is looked at again."""

SILENT_S = 10.0
"""Seconds without an answer of Kafka after which the projector is not ready."""

TOPIC_S = 2.0
"""Seconds between two looks at the topic itself."""

COMMIT_S = 5.0
"""Seconds between commits to the group, for lag monitors only."""

RETENTION_S = 600.0
"""Seconds between two looks at the horizon."""

CLOCK_SKEW_S = 5.0
"""Seconds this clock may be away from Redis' for retention to trust it."""

State = Literal["restoring", "live", "parked"]

Write = Callable[[], Coroutine[Any, Any, None]]
"""A write that is ready to be made."""


class Parked(Exception):
    """Going on would make the report wrong; the message says why and what to do."""


@dataclass
class Owned:
    """A partition that is assigned to this process."""

    partition: int
    shard: Shard
    state: State = "restoring"
    reason: str = "assigned"
    """Why it is not live, for a person."""
    restoring: "asyncio.Task[None] | None" = None
    samples: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=KEPT_SAMPLES))
    """(milliseconds since 1970, end offset), oldest first, not yet reached."""
    as_of: int | None = None
    end: int = -1
    idle_at: int = -1
    """The offset at which it stood at the last look without having reached the end."""
    failures: int = 0
    """Restores since the last batch that went through."""
    window: Window = field(default_factory=Window)
    accepted: int = -1
    """Dead letters through this offset have been accepted."""
    storm: Storm | None = None
    """Why it is parked, if a storm of dead letters is why."""

    def reached(self, offset: int) -> dict[str, str | int]:
        """Freshness to write once `offset` is applied: the newest sample that it reaches."""
        while self.samples and self.samples[0][1] <= offset:
            self.as_of = self.samples.popleft()[0]
        return {"as_of": self.as_of} if self.as_of else {}


class Owner(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """Owns what the consumer group assigns to this process."""

    def __init__(
        self,
        client: RedisClient,
        log_: Log,
        fingerprint: Fingerprint,
        generation: str,
        today: Callable[[], str],
        new_shard: Callable[[ShardKeys], Shard],
        *,
        is_building: bool = False,
        is_silent: bool = False,
        group: str = "",
        traces: Traces = OFF,
    ) -> None:
        """Own shards of a generation that is live, or is being built.

        `is_silent`: another one is folded from the same log meanwhile, and sends what must be
        sent, dead letters and strays. `group` is the consumer group's name, for traces.
        """
        self.owned: dict[int, Owned] = {}
        self.consumer_of: Callable[[], AIOKafkaConsumer]
        """The consumer whose assignment this is; set before it is started."""
        self.generation = generation
        self.has_joined = False
        """Whether the group has said which partitions this process gets, if any."""
        self.is_building = is_building
        self.is_yielding = False
        """Whether another process is about to take the shards over: then each is let go at the
        first sign of it, instead of being claimed again."""
        self._is_silent = is_silent
        self._group = group
        self._traces = traces
        self._client = client
        self._log = log_
        self._fingerprint = fingerprint
        self._today = today
        self._new_shard = new_shard
        self.topic_trouble: str | None = None
        """What is wrong with the topic itself, for a person."""
        self._heard_at = time.monotonic()
        """When Kafka last answered."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def consumer(self) -> AIOKafkaConsumer:
        return self.consumer_of()

    # --- assignment -----------------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let go. A write still under way is either done or refused: the next owner claims."""
        self.has_joined = False
        for tp in revoked:
            owned = self.owned.pop(tp.partition, None)
            if owned and owned.restoring:
                owned.restoring.cancel()
            metrics.LIVE.labels(tp.partition).set(0)
            metrics.PARKED.labels(tp.partition).set(0)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Only pause, here: no heartbeat is sent while this runs."""
        self.has_joined = True
        self.consumer.pause(*assigned)
        for tp in assigned:
            keys = ShardKeys(self.generation, tp.partition)
            owned = self.owned[tp.partition] = Owned(tp.partition, self._new_shard(keys))
            self._restore(owned, "assigned")

    def _restore(self, owned: Owned, reason: str, parked: str = "") -> None:
        """Have the shard claimed and read anew; until then its records are dropped.

        With `parked` it first stands still for that reason.
        """
        if self._is_closed or self.owned.get(owned.partition) is not owned:
            return
        if owned.state == "restoring" and owned.restoring and not owned.restoring.done():
            return
        if self.consumer is None:
            return  # stopped already
        self.consumer.pause(self._tp(owned))
        if self.is_yielding:
            del self.owned[owned.partition]
            return
        owned.state, owned.reason = "restoring", reason
        metrics.LIVE.labels(owned.partition).set(0)
        metrics.RESTORES.labels(reason).inc()
        owned.restoring = asyncio.create_task(self._restored(owned, parked))
        self._tasks.add(owned.restoring)
        owned.restoring.add_done_callback(self._tasks.discard)

    def go_live(self) -> None:
        """What was built has become live: take every shard over, as if it were assigned now."""
        self.is_building = self._is_silent = False
        for owned in list(self.owned.values()):
            if owned.restoring:
                owned.restoring.cancel()  # it may still claim for what is only built
                owned.restoring = None
            self._restore(owned, "live")

    def _refused(self, owned: Owned, what: str, error: Exception) -> None:
        if not self.is_yielding:
            log.warning(what, partition=owned.partition, reason=str(error))
        self._restore(owned, type(error).__name__)

    async def _restored(self, owned: Owned, parked: str) -> None:
        pauses = exponential()
        if parked:
            await self._park(owned, parked)
            await asyncio.sleep(PARKED_S)
        for _ in range(min(owned.failures, 8)):
            pause = next(pauses)
        if owned.failures:
            await asyncio.sleep(pause)
        owned.failures += 1
        while True:
            try:
                async with owned.shard.lock:
                    return await self._claim(owned)
            except Parked as error:
                await self._park(owned, str(error))
                await asyncio.sleep(PARKED_S)
            except (StaleOwner, KafkaError, TimeoutError, *UNREACHABLE) as error:
                owned.reason = f"{type(error).__name__}: {error}"
                log.warning("restore_waits", partition=owned.partition, reason=owned.reason)
                await asyncio.sleep(next(pauses))
            except Exception as error:
                owned.reason = f"{type(error).__name__}: {error}"
                log.exception("restore_failed", partition=owned.partition)
                await asyncio.sleep(next(pauses))

    async def _claim(self, owned: Owned) -> None:
        shard = owned.shard
        if owned.partition >= self._fingerprint.partitions:
            raise Parked(
                f"the topic has got more partitions than {self._fingerprint.partitions}, which "
                f"generation {self.generation} has: run `python -m projector rebuild`"
            )
        if not self.is_building:
            pointer = await ensure_live(self._client, self.generation, self._fingerprint)
            if pointer.generation != self.generation:
                raise Retired(f"generation {pointer.generation} is live now")
        try:
            meta = await shard.claim("building" if self.is_building else "live", self._horizon())
        except ForeignFingerprint as error:
            raise Parked(
                f"generation {self.generation} is another one's: {error}. "
                "Restore the settings, or run `python -m projector rebuild`"
            ) from error
        extent = (await self._log.extents([owned.partition]))[owned.partition]
        if meta.offset < 0:
            await shard.start_at(extent.begin, await self._complete_since(owned, extent))
        else:
            await self._check(owned, extent)
            await self._weather(owned, extent)
            if not self.is_building and meta.status == "building":
                await self._take_over(owned, extent)
            if meta.parked:
                await shard.note({"parked": ""})
        if self.owned.get(owned.partition) is not owned:
            return  # taken away meanwhile
        if self.consumer is None:
            return  # stopped meanwhile
        owned.samples.clear()
        owned.as_of, owned.idle_at = meta.as_of, -1
        self.consumer.seek(self._tp(owned), shard.position.offset)
        owned.state, owned.reason = "live", ""
        metrics.LIVE.labels(owned.partition).set(1)
        metrics.PARKED.labels(owned.partition).set(0)
        self.consumer.resume(self._tp(owned))
        log.info("shard_live", partition=owned.partition, offset=shard.position.offset)

    async def _weather(self, owned: Owned, extent: Extent) -> None:
        """Raise `Parked` while a storm of dead letters lasts that nobody has accepted."""
        at, topic = owned.shard.position.offset, self._log.topic
        owned.accepted = await accepted(self._client, topic, owned.partition)
        owned.window = Window.of_recent(owned.shard.meta.recent)
        if owned.accepted >= at:
            owned.window, owned.storm = Window(), None
        storm_ = owned.storm
        if storm_ is None:
            return
        begin = max(storm_.last + 1, extent.end - TAIL)
        verdicts: list[bool] = []
        while begin < extent.end:
            records = await self._log.records(owned.partition, begin, extent.end, TAIL)
            if not records:
                break
            partitions = self._fingerprint.partitions
            verdicts += [type(decode(record, partitions)) is Dead for record in records]
            begin = records[-1].offset + 1
        if not is_over(verdicts):
            raise Parked(storm_.message)
        log.info("storm_over", partition=owned.partition, begin=storm_.begin, last=storm_.last)
        owned.accepted = max(storm_.last, extent.end - TAIL - 1)
        await accept(self._client, topic, owned.partition, owned.accepted)
        owned.window, owned.storm = Window(), None

    async def _take_over(self, owned: Owned, extent: Extent) -> None:
        """Make a shard live that was built in silence.

        Where it has gone further than the generation before it, that one may not have sent what
        had to be sent. Sending it once more does no harm.
        """
        before = await predecessor(self._client, self.generation)
        if before and before.fingerprint.topic == self._log.topic:
            keys = ShardKeys(before.generation, owned.partition)
            meta = Meta.decode(await self._client.hgetall(keys.meta))
            if meta:
                await self._send_unsent(owned, max(meta.offset, extent.begin))
        await owned.shard.note({"status": "live"})

    async def _send_unsent(self, owned: Owned, begin: int) -> None:
        end = owned.shard.position.offset
        while begin < end:
            records = await self._log.records(owned.partition, begin, end, CHUNK_RECORDS)
            if not records:
                break
            letters, strays = [], []
            for record in records:
                match decode(record, self._fingerprint.partitions):
                    case Dead() as dead:
                        letters.append((record, dead))
                    case Misplaced(home):
                        strays.append((record, home))
                    case _:
                        pass
            await self._send(letters, strays)
            begin = records[-1].offset + 1

    async def _complete_since(self, owned: Owned, extent: Extent) -> str | None:
        if extent.begin == 0:
            return None
        first = await self._log.record_at(owned.partition, extent.begin, extent.end)
        moment = first.timestamp / 1000 if first and first.timestamp >= 0 else time.time()
        return datetime.fromtimestamp(moment, UTC).isoformat()

    async def _check(self, owned: Owned, extent: Extent) -> None:
        """Raise `Parked` unless the partition is the one that the shard was folded from."""
        at, last = owned.shard.position, None
        if has_last_record(extent, at):
            try:
                last = await self._log.record_at(owned.partition, at.last_offset, extent.end)
            except OffsetOutOfRangeError:  # retention took it just now
                extent = Extent(at.last_offset + 1, extent.end)
        mark = mark_of(last) if last else None
        reason = why_another_log(self._log.topic, owned.partition, extent, at, mark)
        if reason:
            raise Parked(reason)

    async def _park(self, owned: Owned, reason: str) -> None:
        if owned.state != "parked" or owned.reason != reason:
            log.error("shard_parked", partition=owned.partition, reason=reason)
        owned.state, owned.reason = "parked", reason
        metrics.PARKED.labels(owned.partition).set(1)
        try:
            await owned.shard.note({"parked": reason})
        except Exception as error:  # noqa: BLE001 -- parked already, and said so above
            log.debug("parking_not_noted", partition=owned.partition, error=str(error))

    # --- records --------------------------------------------------------------------------------

    async def handle(self, records: Iterable[ConsumerRecord]) -> None:
        """Apply a batch that spans partitions. Never raises."""
        by_partition: dict[int, list[ConsumerRecord]] = {}
        for record in records:
            by_partition.setdefault(record.partition, []).append(record)
        await asyncio.gather(*(self._consume(*one) for one in by_partition.items()))

    async def _consume(self, partition: int, records: list[ConsumerRecord]) -> None:
        owned = self.owned.get(partition)
        if owned is None or owned.state != "live":
            return
        async with owned.shard.lock:
            if owned.state != "live":
                return
            try:
                with metrics.BATCH_S.time():
                    await self._apply(owned, records)
                owned.failures = 0
            except Parked as error:
                self._restore(owned, "parked", str(error))
            except (StaleOwner, KafkaError, TimeoutError, *UNREACHABLE) as error:
                self._refused(owned, "batch_refused", error)
            except Exception:
                log.exception("batch_failed", partition=partition, offset=records[0].offset)
                self._restore(owned, "failed")

    async def _apply(self, owned: Owned, records: list[ConsumerRecord]) -> None:
        expected = owned.shard.position.offset
        first = records[0].offset
        if first != expected and not await self._follows(owned, first):
            log.warning(
                "offset_does_not_follow", partition=owned.partition, expected=expected, got=first
            )
            self._restore(owned, "does_not_follow")
            return
        writing: asyncio.Task[None] | None = None
        try:
            for chunk in _chunks(records):
                traced = self._traces.chunk(chunk, group=self._group, generation=self.generation)
                with traced as trace:
                    write = await self._fold(owned, chunk, trace)
                    if writing:
                        await writing
                    writing = asyncio.create_task(trace.written(write()))
                await asyncio.sleep(0)  # let it be sent; the next chunk is folded meanwhile
        finally:
            if writing:
                await writing
        owned.shard.projection.forget_some()
        metrics.RECORDS.labels(owned.partition).inc(len(records))

    async def _follows(self, owned: Owned, first: int) -> bool:
        """Whether the log holds nothing between the shard's offset and `first`."""
        expected = owned.shard.position.offset
        if first < expected:
            return False
        found = await self._log.record_at(owned.partition, expected, first + 1)
        return found is not None and found.offset == first

    async def _fold(self, owned: Owned, records: list[ConsumerRecord], trace: Chunk) -> Write:
        """Decode and fold a chunk and send what must be sent; the write that is left to do."""
        facts: dict[str, list[Fact]] = {}
        letters: list[tuple[ConsumerRecord, Dead]] = []
        strays: list[tuple[ConsumerRecord, int]] = []
        with trace.step("decode"):
            for record in records:
                verdict = decode(record, self._fingerprint.partitions)
                if type(verdict) is Found:
                    task_id, fact = verdict
                    facts.setdefault(task_id, []).append(fact)
                elif type(verdict) is Misplaced:
                    strays.append((record, verdict.partition))
                elif type(verdict) is Dead:
                    letters.append((record, verdict))
        with trace.step("fold"):
            prepared = await owned.shard.prepare(facts)
        if prepared.full:
            letters += self._without_room(records, prepared.full)
        trace.found(dead=len(letters), strays=len(strays))
        self._judge(owned, records, letters)
        if letters or strays:
            with trace.step("send on"):
                await self._send(letters, strays)
        last = records[-1]
        position = Position(last.offset + 1, last.offset, last.timestamp, checksum(last))
        counts: dict[str, int] = {}
        for _, dead in letters:
            counts[dead.reason] = counts.get(dead.reason, 0) + 1
        metrics.FORWARDED.inc(len(strays))
        for reason, count in counts.items():
            metrics.DEAD.labels(reason).inc(count)
        return partial(
            owned.shard.commit,
            prepared,
            position,
            dead=counts,
            forwarded=len(strays),
            notes={**owned.reached(position.offset), **owned.window.notes()},
            traceparent=trace.traceparent,
        )

    def _judge(
        self,
        owned: Owned,
        records: list[ConsumerRecord],
        letters: list[tuple[ConsumerRecord, Dead]],
    ) -> None:
        """Raise `Parked` if, with these records, too many of the last ones are dead letters."""
        if records[0].offset <= owned.accepted:
            letters = [letter for letter in letters if letter[0].offset > owned.accepted]
            records = [record for record in records if record.offset > owned.accepted]
            if not records:
                return
        window = owned.window
        if not letters:
            window.take(len(records), {})
            return
        places = {record.offset: at for at, record in enumerate(records)}
        window.take(len(records), {places[r.offset]: dead.reason for r, dead in letters})
        if window.is_storm():
            begin, last = records[0].offset, records[-1].offset
            owned.storm = storm(self._log.topic, owned.partition, begin, last, window)
            raise Parked(owned.storm.message)

    def _without_room(
        self, records: list[ConsumerRecord], full: list[tuple[str, Fact]]
    ) -> list[tuple[ConsumerRecord, Dead]]:
        """The records of facts that their task had no room for."""
        refused = {(task_id, fact.source, fact.id) for task_id, fact in full}
        letters = []
        for record in records:
            verdict = decode(record, self._fingerprint.partitions)
            if isinstance(verdict, Found):
                task_id, fact = verdict
                if (task_id, fact.source, fact.id) in refused:
                    said = f"task {task_id!r} has as many events as a task may have"
                    letters.append((record, Dead("task_full", said)))
        return letters

    async def _send(
        self,
        letters: list[tuple[ConsumerRecord, Dead]],
        strays: list[tuple[ConsumerRecord, int]],
    ) -> None:
        """Send dead letters and strays, and wait until Kafka has them: at least once each."""
        if self._is_silent:
            return
        sent = [await self._log.bury(record, dead) for record, dead in letters]
        sent += [await self._log.send_on(record, home) for record, home in strays]
        if sent:
            await asyncio.gather(*sent)

    # --- freshness, commits, retention ------------------------------------------------------------

    async def tick(self) -> None:
        """Look at the ends of all live partitions and write how fresh their shards are."""
        live = [owned for owned in self.owned.values() if owned.state == "live"]
        if not live:
            return
        if not self.is_building:
            await ensure_live(self._client, self.generation, self._fingerprint)
        now = time.time_ns() // 1_000_000
        extents = await self._log.extents([owned.partition for owned in live])
        await asyncio.gather(
            *(self._sample(owned, now, extents[owned.partition]) for owned in live)
        )

    async def look_at_topic(self) -> None:
        """See that the topic is there as it was: without it nobody owns anything that could park."""
        trouble = None
        try:
            found = await self._log.partitions()
        except TopicMissing:
            trouble = f"topic {self._log.topic} is gone"
        else:
            if found != self._fingerprint.partitions:
                trouble = (
                    f"topic {self._log.topic} has {found} partitions, generation "
                    f"{self.generation} was folded from {self._fingerprint.partitions}"
                )
        if trouble and trouble != self.topic_trouble:
            log.error("topic_trouble", reason=f"{trouble}. See docs/runbook.md, 'Parked shards'")
        self.topic_trouble = trouble
        self._heard_at = time.monotonic()

    @property
    def is_cut_off(self) -> bool:
        """Whether Kafka has not answered for a while: the shards then stand still, and look live."""
        return time.monotonic() - self._heard_at > SILENT_S

    async def _sample(self, owned: Owned, now: int, extent: Extent) -> None:
        async with owned.shard.lock:
            if owned.state != "live":
                return
            at = owned.shard.position.offset
            if not reaches(extent, at):
                self._restore(owned, "log_moved")
                return
            try:
                owned.samples.append((now, extent.end))
                owned.end = extent.end
                notes = owned.reached(at)
                if at < extent.end and owned.idle_at == at:
                    notes |= await self._skip(owned, extent.end)
                owned.idle_at = at
                metrics.LAG.labels(owned.partition).set(extent.end - owned.shard.position.offset)
                if owned.as_of:
                    metrics.AS_OF.labels(owned.partition).set(owned.as_of / 1000)
                await owned.shard.note({"end_offset": extent.end, **notes})
            except (StaleOwner, KafkaError, TimeoutError, *UNREACHABLE) as error:
                self._refused(owned, "sample_refused", error)

    async def _skip(self, owned: Owned, end: int) -> dict[str, str | int]:
        """Step over a tail that holds no records, only the marks that transactions leave."""
        shard = owned.shard
        if await self._log.record_at(owned.partition, shard.position.offset, end) is not None:
            return {}
        last = shard.position
        shard.position = Position(end, last.last_offset, last.last_timestamp, last.last_checksum)
        return {"offset": end, **owned.reached(end)}

    async def commit_offsets(self) -> None:
        """Tell the group where the shards stand."""
        offsets = {
            self._tp(owned): OffsetAndMetadata(owned.shard.position.offset, "")
            for owned in self.owned.values()
            if owned.state == "live"
        }
        if offsets:
            await self.consumer.commit(offsets)

    async def retain(self) -> None:
        """Move the horizons forward to today less the retention, unless the clock is doubtful."""
        seconds, micros = await self._redis_time()
        skew = abs(time.time() - (seconds + micros / 1e6))
        metrics.RETENTION_PARKED.set(skew > CLOCK_SKEW_S)
        if skew > CLOCK_SKEW_S:
            log.error("retention_parked", reason=f"this clock is {skew:.1f} s away from Redis'")
            return
        horizon = self._horizon()
        documents = self.forgotten_before()
        for owned in list(self.owned.values()):
            async with owned.shard.lock:
                if owned.state != "live" or horizon <= owned.shard.projection.horizon:
                    continue
                try:
                    dates = await owned.shard.advance_horizon(horizon)
                    forgotten = await owned.shard.forget_documents(documents)
                except (StaleOwner, *UNREACHABLE) as error:
                    self._restore(owned, type(error).__name__)
                    continue
                log.info(
                    "horizon_moved",
                    partition=owned.partition,
                    horizon=horizon,
                    dates=dates,
                    documents=forgotten,
                )

    async def _redis_time(self) -> tuple[int, int]:
        answer: Any = await self._client.time()
        if isinstance(answer, dict):  # a cluster answers by node
            answer = next(iter(answer.values()))
        return int(answer[0]), int(answer[1])

    def _horizon(self) -> str:
        return _days_before(self._today(), self._fingerprint.retention_days)

    def forgotten_before(self) -> str:
        """A document goes when its newest contact is dated before this."""
        return _days_before(self._horizon(), self._fingerprint.retention_days)

    def _tp(self, owned: Owned) -> TopicPartition:
        return TopicPartition(self._log.topic, owned.partition)

    async def close(self) -> None:
        """Stop what is under way, and begin nothing more, whatever the group still assigns."""
        self._is_closed = True
        await cancel_all(list(self._tasks))

    async def every(self, seconds: float, work: Callable[[], Any]) -> None:
        """Do the work again and again; a failure is logged and does not end it."""
        while True:
            started = time.monotonic()
            try:
                await work()
            except (KafkaError, TimeoutError, *UNREACHABLE) as error:
                log.warning("periodic_work_failed", work=_name(work), error=str(error))
            except Exception:
                log.exception("periodic_work_failed", work=_name(work))
            await asyncio.sleep(max(0.05, seconds - (time.monotonic() - started)))


def _chunks(records: list[ConsumerRecord]) -> Iterator[list[ConsumerRecord]]:
    """The records in runs that one script can take."""
    start = size = 0
    for at, record in enumerate(records, 1):
        size += len(record.value or b"")
        if at - start >= CHUNK_RECORDS or size >= CHUNK_BYTES or at == len(records):
            yield records[start:at]
            start, size = at, 0


def _name(work: Callable[[], Any]) -> str:
    named: Any = work.func if isinstance(work, partial) else work
    return str(named.__name__)


def _days_before(day: str, days: int) -> str:
    moment = date.fromisoformat(day)
    return (moment - min(timedelta(days=days), moment - date.min)).isoformat()
