"""Fold Kafka again and compare every shard with it, while the projector continues to write.

A hash is read together with the offset that its shard was at at that moment; the fold is then
brought to exactly that offset and the two are compared. So nothing has to stop.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.keys import NAME_KINDS, Fingerprint, ShardKeys, date_of_rows
from contracts.meta import Meta
from projector.consumer.decode import DeadLetter, Found, Misrouted, decode
from projector.consumer.event_log import TopicMissing, manual_consumer
from projector.fold.calendar import Calendar
from projector.fold.expected import Expected, Hash
from projector.fold.facts import Fact
from projector.fold.task import facts_of
from projector.settings import Settings
from projector.store.client import connect
from projector.store.generations import live_pointer
from runtime.redis import RedisClient

CHUNK = 500
"""Documents, or hashes, compared in one go."""


class NoGeneration(Exception):
    """Redis has nothing to compare; the message says why."""


@dataclass
class Findings:
    """What verify found."""

    shards: int = 0
    records: int = 0
    tasks: int = 0
    values: int = 0
    """Fields compared."""
    older: int = 0
    """Facts of Redis that Kafka no longer has; taken as given."""
    differences: list[str] = field(default_factory=list)

    def add(self, other: "Findings") -> None:
        """Take in what was found in other shards."""
        self.shards += other.shards
        self.records += other.records
        self.tasks += other.tasks
        self.values += other.values
        self.older += other.older
        self.differences += other.differences


async def verify(settings: Settings, generation: str | None) -> Findings:
    """Compare the live generation, or the given one, with Kafka.

    Raises `NoGeneration`, `TopicMissing`, or a connection error.
    """
    client = connect(settings.redis_url)
    consumer = manual_consumer(settings.kafka_options())
    try:
        await consumer.start()
        pointer = await live_pointer(client)
        if pointer is None:
            raise NoGeneration("Redis has no live generation; has a projector run on it?")
        fingerprint = pointer.fingerprint
        if fingerprint.topic not in await consumer.topics():
            raise TopicMissing(fingerprint.topic)
        total = Findings()
        calendar = Calendar.of(fingerprint.timezone, fingerprint.day_end)
        for shard in range(fingerprint.partitions):
            keys = ShardKeys(generation or pointer.generation, shard)
            total.add(await ShardVerifier(client, consumer, keys, fingerprint, calendar).verify())
        return total
    finally:
        await consumer.stop()
        await client.aclose()


class ShardVerifier:
    """Verifies one shard."""

    def __init__(
        self,
        client: RedisClient,
        consumer: AIOKafkaConsumer,
        keys: ShardKeys,
        fingerprint: Fingerprint,
        calendar: Calendar,
    ) -> None:
        self._client = client
        self._consumer = consumer
        self._keys = keys
        self._fingerprint = fingerprint
        self._tp = TopicPartition(fingerprint.topic, keys.shard)
        self._expected = Expected(keys, calendar)
        self._applied = 0
        self._dead: dict[bytes, int] = {}
        self._forwarded = 0
        self.findings = Findings(shards=1)

    async def verify(self) -> Findings:
        """Compare everything the shard holds."""
        meta = Meta.decode(await self._client.hgetall(self._keys.meta))
        if meta is None or meta.offset < 0:
            self._differ(self._keys.meta, "", "no position", "one")
            return self.findings
        end = (await self._consumer.end_offsets([self._tp]))[self._tp]
        if end < meta.offset:  # the fold would never reach it
            self._differ(self._keys.meta, "offset", meta.offset, f"only {end} records")
            return self.findings
        begin = (await self._consumer.beginning_offsets([self._tp]))[self._tp]
        self._consumer.assign([self._tp])
        self._consumer.seek(self._tp, begin)
        self._applied = begin
        await self._fold_to(meta.offset)
        await self._compare_documents(is_whole=begin == 0)
        if begin == 0:  # what was counted before the log's beginning cannot be counted again
            await self._compare([self._keys.dead], lambda: {self._keys.dead: self._counts()})
        await self._compare_dates()
        names = [self._keys.names(kind) for kind in NAME_KINDS]
        await self._compare(names, self._expected.names)
        await self._compare(
            [self._keys.deliveries], lambda: {self._keys.deliveries: self._expected.deliveries()}
        )
        self.findings.tasks = len(self._expected.tasks)
        return self.findings

    # --- Kafka ------------------------------------------------------------------------------------

    async def _fold_to(self, offset: int) -> None:
        """Bring the fold to `offset`."""
        while self._applied < offset:
            batch = await self._consumer.getmany(self._tp, timeout_ms=200, max_records=2_000)
            facts: dict[str, list[Fact]] = {}
            records = batch.get(self._tp, ())
            for record in records:
                if record.offset >= offset:
                    break
                verdict = decode(record, self._fingerprint.partitions)
                if type(verdict) is Found:
                    facts.setdefault(verdict.task_id, []).append(verdict.fact)
                elif type(verdict) is DeadLetter:
                    self._count_dead(verdict.reason)
                elif type(verdict) is Misrouted:
                    self._forwarded += 1
                self.findings.records += 1
            for _ in self._expected.add(facts):
                self._count_dead("task_full")
            if records and records[-1].offset >= offset:
                self._consumer.seek(self._tp, offset)
                self._applied = offset
            else:
                self._applied = await self._consumer.position(self._tp)

    def _count_dead(self, reason: str) -> None:
        self._dead[reason.encode()] = self._dead.get(reason.encode(), 0) + 1

    def _counts(self) -> Hash:
        return {reason: b"%d" % number for reason, number in self._dead.items()}

    # --- Redis ------------------------------------------------------------------------------------

    async def _read(self, *commands: tuple[Any, ...]) -> tuple[list[Any], str]:
        """Run read commands and bring the fold to the offset they were answered at.

        Returns the answers and the horizon.
        """
        pipeline = self._client.pipeline(transaction=True)
        for command, *arguments in commands:
            getattr(pipeline, command)(*arguments)
        pipeline.hmget(self._keys.meta, ["offset", "horizon"])
        *answers, (offset, horizon) = await pipeline.execute()
        await self._fold_to(int(offset or 0))
        return answers, horizon.decode() if horizon else ""

    async def _compare(self, keys: list[str], expected: Any) -> None:
        for some in _chunks(keys):
            answers, _ = await self._read(*(("hgetall", key) for key in some))
            hashes = expected()
            for key, found in zip(some, answers, strict=True):
                self._compare_hash(key, found, hashes.get(key, {}))

    async def _compare_dates(self) -> None:
        dates = {name.decode() for name in await self._client.hkeys(self._keys.seqs)}
        dates = {date for date in dates if date[:1].isdigit()} | self._expected.dates()
        stored = await self._row_keys()
        for date in sorted(dates | stored.keys()):
            _, horizon = await self._read()
            keys = self._expected.hashes(date, horizon).keys() | stored.get(date, set())
            for some in _chunks(sorted(keys)):
                answers, horizon = await self._read(*(("hgetall", key) for key in some))
                hashes = self._expected.hashes(date, horizon)
                for key, found in zip(some, answers, strict=True):
                    self._compare_hash(key, found, hashes.get(key, {}))

    async def _row_keys(self) -> dict[str, set[str]]:
        """Date → the keys of rows that Redis has of it."""
        prefix = self._keys.rows_prefix()
        found: dict[str, set[str]] = {}
        async for key in self._client.scan_iter(match=_escaped(prefix) + "*", count=1_000):
            name = key.decode()
            date = date_of_rows(name.removeprefix(prefix))
            found.setdefault(date, set()).add(name)
        return found

    async def _compare_documents(self, *, is_whole: bool) -> None:
        stored = [name.decode() async for name, _ in self._fields(self._keys.docs)]
        names = sorted({*stored, *self._expected.tasks})
        for some in _chunks(names):
            (documents,), horizon = await self._read(("hmget", self._keys.docs, some))
            for task_id, document in zip(some, documents, strict=True):
                self._compare_document(task_id, document, horizon, is_whole=is_whole)

    def _fields(self, key: str) -> Any:
        return self._client.hscan_iter(key, count=1_000)

    def _compare_document(
        self, task_id: str, document: bytes | None, horizon: str, *, is_whole: bool
    ) -> None:
        self.findings.values += 1
        task = self._expected.tasks.get(task_id)
        if document is None:
            if task and task.facts and task.encode()[:10].decode() >= horizon:
                self._differ(self._keys.docs, task_id, None, task.encode())
            return
        try:
            facts = facts_of(document)
        except (ValueError, TypeError) as error:
            self._differ(self._keys.docs, task_id, f"unreadable: {error}", "a document")
            return
        known = task.facts if task else {}
        older = [fact for fact in facts if (fact.source, fact.id) not in known]
        if older and not is_whole:
            self.findings.older += len(older)
            self._expected.add({task_id: older})
            task = self._expected.tasks[task_id]
        expected = task.encode() if task and task.facts else None
        if document != expected:
            self._differ(self._keys.docs, task_id, document, expected)

    def _compare_hash(self, key: str, found: Mapping[bytes, bytes], expected: Hash) -> None:
        for name in {*found, *expected}:
            self.findings.values += 1
            if found.get(name) != expected.get(name):
                self._differ(
                    key, name.decode(errors="replace"), found.get(name), expected.get(name)
                )

    def _differ(self, key: str, name: str, found: Any, expected: Any) -> None:
        self.findings.differences.append(
            f"{key} {name}: Redis has {_shown(found)}, Kafka gives {_shown(expected)}"
        )


def _shown(value: Any) -> str:
    if value is None:
        return "nothing"
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)


def _chunks(values: list[str]) -> Iterator[list[str]]:
    for first in range(0, len(values), CHUNK):
        yield values[first : first + CHUNK]


def _escaped(glob: str) -> str:
    return "".join(f"\\{char}" if char in r"*?[]\^-" else char for char in glob)
