"""A consumer of the embedded Kafka pauses while there is nothing to read."""

import asyncio
import time

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.fetch import FetchRequest

from support.topics import Topic


async def test_idle_consumer_polls_rarely_but_receives_at_once(
    topic: Topic, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = 0
    send = AIOKafkaClient.send

    async def counted(
        self: AIOKafkaClient, node: object, request: object, **options: object
    ) -> object:
        nonlocal asked
        asked += isinstance(request, FetchRequest)
        return await send(self, node, request, **options)

    monkeypatch.setattr(AIOKafkaClient, "send", counted)
    async with (
        AIOKafkaConsumer(topic.events, bootstrap_servers=topic.bootstrap) as consumer,
        AIOKafkaProducer(bootstrap_servers=topic.bootstrap) as producer,
    ):
        await consumer.seek_to_end()
        asked = 0
        assert await consumer.getmany(timeout_ms=1_000) == {}
        assert 0 < asked < 150
        reading = asyncio.create_task(consumer.getone())
        sent = time.monotonic()
        await producer.send_and_wait(topic.events, b"value")
        assert (await reading).value == b"value"
        assert time.monotonic() - sent < 1.0


async def test_a_resting_consumer_can_be_stopped(topic: Topic) -> None:
    for _ in range(5):
        async with AIOKafkaConsumer(topic.events, bootstrap_servers=topic.bootstrap) as consumer:
            assert await consumer.getmany(timeout_ms=50) == {}
