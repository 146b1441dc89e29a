"""Topics of a test's own on a Kafka that all tests share, and what is in them."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from devkit.stack.topics import create_topics, delete_topics


@dataclass(frozen=True)
class Topic:
    """An events topic, its dead letters, and the Kafka they are on."""

    bootstrap: str
    events: str
    dead_letters: str
    partitions: int


@asynccontextmanager
async def fresh_topic(bootstrap: str, partitions: int = 4) -> AsyncIterator[Topic]:
    """A topic nobody has used, deleted at the end so that the embedded Kafka stays small."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    topic = Topic(bootstrap, name, f"{name}.dlq", partitions)
    await create_topics(bootstrap, topic.events, topic.dead_letters, partitions)
    yield topic
    await delete_topics(bootstrap, topic.events, topic.dead_letters)


async def read_all(
    bootstrap: str, topic: str, partition: int | None = None
) -> list[ConsumerRecord[Any, Any]]:
    """Returns every record of the topic, or of one of its partitions, up to its present end."""
    whole = [topic] if partition is None else []
    consumer = AIOKafkaConsumer(*whole, bootstrap_servers=bootstrap, auto_offset_reset="earliest")
    await consumer.start()
    try:
        if partition is not None:
            consumer.assign([TopicPartition(topic, partition)])
        ends = await consumer.end_offsets(consumer.assignment())
        found: list[ConsumerRecord[Any, Any]] = []
        while any([await consumer.position(part) < end for part, end in ends.items()]):
            for records in (await consumer.getmany(timeout_ms=200)).values():
                found += records
        return found
    finally:
        await consumer.stop()


async def end_offsets(topic: Topic) -> list[int]:
    """Returns where each partition of the events topic ends."""
    consumer = AIOKafkaConsumer(bootstrap_servers=topic.bootstrap)
    await consumer.start()
    try:
        parts = [TopicPartition(topic.events, number) for number in range(topic.partitions)]
        ends = await consumer.end_offsets(parts)
        return [ends[part] for part in parts]
    finally:
        await consumer.stop()
