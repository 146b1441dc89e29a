"""Send dead letters that can be read now back to the events topic.

A letter carries its record: key, value, headers, and the record's offset and timestamp. The record
is decoded as the projector would decode it today. The letters stay where they are; sending one again
does no harm, since its event has an identity.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from projector.consumer.decode import DeadLetter, decode, partition_of
from projector.consumer.event_log import DLQ_PREFIX, EventLog, manual_consumer
from projector.settings import Settings

AT_ONCE = 500
"""Letters read, and events sent, in one go."""

ASKED_FOR_ONLY = "task_full"
"""A reason that a letter's own content can't disprove: it does not show whether its task has room
again. Such letters are sent only if this reason is asked for."""


@dataclass(frozen=True)
class LetterFilter:
    """Which letters to look at."""

    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    limit: int | None = None
    """Events to send at most."""

    def takes(self, letter: "Letter") -> bool:
        if self.reason is None:
            if letter.reason == ASKED_FOR_ONLY:
                return False
        elif letter.reason != self.reason:
            return False
        moment = letter.record.timestamp / 1000
        if self.since and moment < self.since.timestamp():
            return False
        return not (self.until and moment >= self.until.timestamp())


class Letter(NamedTuple):
    """A dead letter."""

    reason: str
    record: ConsumerRecord
    """The record as it was; its value is missing if `is_omitted`."""
    is_omitted: bool


@dataclass
class Redriven:
    """What became of the letters, by the reason for which they are dead letters."""

    sent: Counter[str] = field(default_factory=Counter)
    unreadable: Counter[str] = field(default_factory=Counter)
    filtered: Counter[str] = field(default_factory=Counter)
    gone: Counter[str] = field(default_factory=Counter)
    """Their value was too large for a letter, and Kafka no longer has the record."""
    odd: int = 0
    """Records of the dead-letter topic that no projector has sent."""


def letter_of(record: ConsumerRecord) -> Letter | None:
    """The letter that a record of the dead-letter topic is; None if no projector has sent it."""
    ours = {
        n.removeprefix(DLQ_PREFIX): v for n, v in record.headers if v and n.startswith(DLQ_PREFIX)
    }
    try:
        given = {name: ours[name].decode() for name in ("topic", "partition", "offset", "reason")}
        where: dict[str, Any] = {
            "topic": given["topic"],
            "partition": int(given["partition"]),
            "offset": int(given["offset"]),
            "timestamp": int(ours["timestamp"]),
        }
    except (KeyError, ValueError):
        return None
    original = ConsumerRecord(
        **where,
        timestamp_type=0,
        key=ours.get("key"),
        value=record.value,
        checksum=None,
        serialized_key_size=0,
        serialized_value_size=0,
        headers=tuple((n, v) for n, v in record.headers if not n.startswith(DLQ_PREFIX)),
    )
    return Letter(given["reason"], original, "omitted" in ours)


class Redrive:
    """One pass over the dead letters that exist when it begins."""

    def __init__(
        self, log: EventLog, consumer: AIOKafkaConsumer, dead_letter_topic: str, *, is_dry: bool
    ) -> None:
        self._log = log
        self._consumer = consumer
        self._topic = dead_letter_topic
        self._is_dry = is_dry
        self._seen: set[tuple[str, int, int]] = set()
        self._sent = 0
        self.result = Redriven()

    async def run(self, partitions: list[int], wanted: LetterFilter) -> Redriven:
        """Send the letters that the filter takes and that can be read."""
        events = await self._log.partitions()
        parts = [TopicPartition(self._topic, partition) for partition in partitions]
        begins = await self._consumer.beginning_offsets(parts)
        ends = await self._consumer.end_offsets(parts)
        for tp in parts:
            self._consumer.assign([tp])
            self._consumer.seek(tp, begins[tp])
            while await self._consumer.position(tp) < ends[tp] and not self._is_full(wanted):
                got = await self._consumer.getmany(tp, timeout_ms=200, max_records=AT_ONCE)
                sending = []
                for letter in self._letters(got.get(tp, ())):
                    record = await self._readable(letter, wanted, events)
                    if record is None or self._is_full(wanted):
                        continue
                    self._sent += 1
                    self.result.sent[letter.reason] += 1
                    if not self._is_dry:
                        home = partition_of(record.key, events)
                        sending.append(await self._log.forward(record, home))
                for sent in sending:
                    await sent
        return self.result

    def _is_full(self, wanted: LetterFilter) -> bool:
        return wanted.limit is not None and self._sent >= wanted.limit

    def _letters(self, records: Any) -> Iterator[Letter]:
        """The letters among the records, each once: they are sent at least once."""
        for record in records:
            letter = letter_of(record)
            if letter is None:
                self.result.odd += 1
                continue
            where = (letter.record.topic, letter.record.partition, letter.record.offset)
            if where not in self._seen:
                self._seen.add(where)
                yield letter

    async def _readable(
        self, letter: Letter, wanted: LetterFilter, partitions: int
    ) -> ConsumerRecord | None:
        if not wanted.takes(letter):
            self.result.filtered[letter.reason] += 1
            return None
        record = letter.record
        if letter.is_omitted:
            record = await self._at_its_offset(record)
            if record is None:
                self.result.gone[letter.reason] += 1
                return None
        if isinstance(decode(record, partitions), DeadLetter):
            self.result.unreadable[letter.reason] += 1
            return None
        return record

    async def _at_its_offset(self, record: ConsumerRecord) -> ConsumerRecord | None:
        if record.topic != self._log.topic:
            return None
        try:
            found = await self._log.record_at(record.partition, record.offset, record.offset + 1)
        except (KafkaError, TimeoutError):
            return None
        is_same = found is not None and found.timestamp == record.timestamp
        return found if is_same else None


async def redrive(settings: Settings, wanted: LetterFilter, *, is_dry: bool) -> Redriven:
    """Send the dead letters that are wanted and can be read now; what became of each.

    `is_dry`: send nothing, only count.
    """
    options = settings.kafka_options()
    log = EventLog(settings.events_topic, settings.dead_letter_topic, options)
    letters = EventLog(settings.dead_letter_topic, settings.dead_letter_topic, options)
    consumer = manual_consumer(options)
    try:
        await log.start()
        await letters.start()
        await consumer.start()
        work = Redrive(log, consumer, settings.dead_letter_topic, is_dry=is_dry)
        return await work.run(list(range(await letters.partitions())), wanted)
    finally:
        await consumer.stop()
        await letters.stop()
        await log.stop()
