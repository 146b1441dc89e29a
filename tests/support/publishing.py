"""Publishing to a topic: events as any service sends them, and raw records of any kind."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaProducer
from confluent_kafka import Producer
from pydantic_core import to_json

from support.topics import Topic

Record = tuple[bytes | None, bytes | None, dict[str, Any]]
"""(key, value, further arguments of `AIOKafkaProducer.send`)."""


async def send(topic: Topic, records: Iterable[Record]) -> None:
    """Send raw records and wait for them all."""
    producer = AIOKafkaProducer(bootstrap_servers=topic.bootstrap, enable_idempotence=True)
    await producer.start()
    try:
        for key, value, more in records:
            await producer.send(topic.events, key=key, value=value, **more)
        await producer.flush()
    finally:
        await producer.stop()


def record_of(event: dict[str, Any]) -> Record:
    """Returns the record of a structured event, with the event's own time as its timestamp."""
    moment = datetime.fromisoformat(event["time"])
    more = {"timestamp_ms": max(0, int(moment.timestamp() * 1000))}
    return event["subject"].encode(), to_json(event), more


async def publish(topic: Topic, events: Sequence[dict[str, Any]]) -> None:
    await send(topic, map(record_of, events))


def compressing_producer(topic: Topic) -> Producer:
    """Returns librdkafka's producer, which sends what zstd makes small enough for the broker."""
    return Producer(
        {
            "bootstrap.servers": topic.bootstrap,
            "compression.type": "zstd",
            "message.max.bytes": 4_000_000,
        }
    )
