"""The partitions as a log: their begins and ends, single records, and what is sent to Kafka."""

import asyncio
import zlib
from collections.abc import Iterable, Mapping
from typing import Any

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRecord, TopicPartition

from projector.consumer.continuity import Extent, RecordMark
from projector.consumer.decode import MAX_RECORD_BYTES, DeadLetter, size_of

PROBE_TIMEOUT_S = 10.0
"""Seconds within which a record that is known to exist must be there to read."""

FETCH_BYTES = 4 << 20
"""Bytes fetched per partition at a time."""

DLQ_PREFIX = "obzvon-dlq-"


class TopicMissing(Exception):
    """The topic does not exist (yet)."""


def checksum(record: ConsumerRecord) -> int:
    """A CRC-32 over key and value, by which a record differs from another one at the same offset."""
    return zlib.crc32(record.value or b"", zlib.crc32(record.key or b""))


def mark_of(record: ConsumerRecord) -> RecordMark:
    """What the record is recognised by when the shard is claimed again."""
    return RecordMark(record.offset, record.timestamp, checksum(record))


def manual_consumer(options: Mapping[str, Any], group_id: str | None = None) -> AIOKafkaConsumer:
    """A consumer, not yet started, whose partitions are manually assigned.

    It reads what is committed, and never moves to another offset by itself.
    """
    return AIOKafkaConsumer(
        **options,
        group_id=group_id,
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES,
    )


class EventLog:
    """Reads single facts about a topic's partitions and sends records; no consumer group."""

    def __init__(self, topic: str, dead_letter_topic: str, options: Mapping[str, Any]) -> None:
        self.topic = topic
        self._dead_letter_topic = dead_letter_topic
        self._options = options
        self._consumer: AIOKafkaConsumer
        self._producer: AIOKafkaProducer
        self._reading = asyncio.Lock()
        self._is_started = False

    async def start(self) -> None:
        """Connect; after a failure it can be tried again."""
        consumer = manual_consumer(self._options)
        producer = AIOKafkaProducer(
            **self._options,
            acks="all",
            enable_idempotence=True,
            linger_ms=5,
            max_request_size=2 << 20,
        )
        try:
            await consumer.start()
            await producer.start()
        except BaseException:
            await consumer.stop()
            await producer.stop()
            raise
        self._consumer, self._producer = consumer, producer
        self._is_started = True

    async def stop(self) -> None:
        """Disconnect; nothing happens if it never was connected."""
        if self._is_started:
            await self._consumer.stop()
            await self._producer.stop()

    async def partitions(self) -> int:
        """How many partitions the topic has. Raises `TopicMissing`."""
        found = (await self._producer.client.fetch_all_metadata()).partitions_for_topic(self.topic)
        if not found:
            raise TopicMissing(self.topic)
        return len(found)

    async def extents(self, partitions: Iterable[int]) -> dict[int, Extent]:
        """Begin and end (of what is committed) of each partition, as of after this call began."""
        asked = [TopicPartition(self.topic, partition) for partition in partitions]
        ends = await self._consumer.end_offsets(asked)
        begins = await self._consumer.beginning_offsets(asked)
        return {tp.partition: Extent(begins[tp], ends[tp]) for tp in asked}

    async def record_at(self, partition: int, offset: int, end: int) -> ConsumerRecord | None:
        """The first record at or after `offset`; None if there is none before `end`.

        Raises OffsetOutOfRangeError if the log no longer, or not yet, reaches `offset`.
        """
        tp = TopicPartition(self.topic, partition)
        async with self._reading, asyncio.timeout(PROBE_TIMEOUT_S):
            self._consumer.assign([tp])
            try:
                self._consumer.seek(tp, offset)
                while await self._consumer.position(tp) < end:
                    found = await self._consumer.getmany(tp, timeout_ms=100, max_records=1)
                    if found:
                        record: ConsumerRecord = found[tp][0]
                        return record
                return None
            finally:
                self._consumer.assign([])

    async def records(
        self, partition: int, begin: int, end: int, most: int
    ) -> list[ConsumerRecord]:
        """Records from `begin` on, before `end`: at most `most`, at least one if there is any.

        Raises OffsetOutOfRangeError if the log does not reach `begin`.
        """
        tp = TopicPartition(self.topic, partition)
        async with self._reading, asyncio.timeout(PROBE_TIMEOUT_S):
            self._consumer.assign([tp])
            try:
                self._consumer.seek(tp, begin)
                found: list[ConsumerRecord] = []
                while not found and await self._consumer.position(tp) < end:
                    got = await self._consumer.getmany(tp, timeout_ms=100, max_records=most)
                    found = [record for record in got.get(tp, ()) if record.offset < end]
                return found
            finally:
                self._consumer.assign([])

    async def forward(self, record: ConsumerRecord, partition: int) -> "asyncio.Future[Any]":
        """Send the record, unchanged, to the partition that it belongs to."""
        return await self._send(
            self.topic,
            key=record.key,
            value=record.value,
            partition=partition,
            timestamp_ms=_sendable(record.timestamp),
            headers=list(record.headers),
        )

    async def send_dead_letter(
        self, record: ConsumerRecord, dead: DeadLetter
    ) -> "asyncio.Future[Any]":
        """Send the record to the dead letters, with where it was and what was wrong with it.

        One that is too large for a letter is left where it is; the letter names its offset.
        """
        where = {
            "topic": record.topic,
            "partition": str(record.partition),
            "offset": str(record.offset),
            "timestamp": str(record.timestamp),
            "reason": dead.reason,
            "detail": dead.detail[:2_000],
        }
        value = record.value
        headers = list(record.headers)
        if (size := size_of(record)) > MAX_RECORD_BYTES:
            where["omitted"] = f"key, value and headers of {size} bytes; read them at their offset"
            value, headers = b"", []
        headers += [(DLQ_PREFIX + name, text.encode()) for name, text in where.items()]
        if record.key is not None and "omitted" not in where:
            headers.append((DLQ_PREFIX + "key", record.key))
        return await self._send(
            self._dead_letter_topic,
            key=f"{record.topic}/{record.partition}/{record.offset}".encode(),
            value=value,
            partition=None,
            timestamp_ms=None,
            headers=headers,
        )

    async def _send(self, topic: str, **record: Any) -> "asyncio.Future[Any]":
        sent: asyncio.Future[Any] = await self._producer.send(topic, **record)
        return sent


def _sendable(timestamp: int) -> int | None:
    return timestamp if timestamp >= 0 else None
