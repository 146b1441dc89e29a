"""The projector in this process, on a real Kafka and a real Redis, and what it has stored."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import redis.asyncio
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.keys import ShardKeys
from contracts.meta import Meta
from projector.consumer import aiokafka_patch
from projector.settings import Settings
from projector.supervisor import Supervisor
from runtime.redis import RedisClient
from support.topics import Topic
from support.waiting import until

RETENTION_DAYS = 36_500
"""So that the dates of fixtures are never too old."""


def projector_settings(topic: Topic, redis_url: str, **more: Any) -> Settings:
    return Settings(
        kafka_bootstrap_servers=topic.bootstrap,
        events_topic=topic.events,
        dead_letter_topic=topic.dead_letters,
        redis_url=redis_url,
        **{
            "retention_days": RETENTION_DAYS,
            "session_timeout_ms": 6_000,
            "group_id": topic.events,  # so that a member killed by another test is not waited for
            **more,
        },
    )


@asynccontextmanager
async def running_projector(topic: Topic, redis_url: str, **more: Any) -> AsyncIterator[Supervisor]:
    aiokafka_patch.install()  # as `projector.main` does
    projector = Supervisor(projector_settings(topic, redis_url, **more))
    async with projector.running():
        yield projector


class Shards:
    """The shards of a topic as they are in Redis."""

    def __init__(self, topic: Topic, redis_url: str, generation: str = "g1") -> None:
        self.topic = topic
        self.client: RedisClient = redis.asyncio.from_url(redis_url)
        self.keys = [ShardKeys(generation, shard) for shard in range(topic.partitions)]

    async def metas(self) -> list[Meta | None]:
        return [Meta.decode(await self.client.hgetall(keys.meta)) for keys in self.keys]

    async def caught_up(self, within_s: float = 20.0) -> None:
        """Wait until every shard is at the present end of its partition."""
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.topic.bootstrap, isolation_level="read_committed"
        )
        await consumer.start()
        try:
            parts = [TopicPartition(self.topic.events, n) for n in range(self.topic.partitions)]

            async def is_caught_up() -> bool:
                ends = await consumer.end_offsets(parts)  # forwarded records advance it
                metas = await self.metas()
                return all(m and m.offset >= ends[tp] for m, tp in zip(metas, parts, strict=True))

            await until(is_caught_up, within_s)
        finally:
            await consumer.stop()

    async def dead(self) -> dict[str, int]:
        """Returns the dead letters by reason, over all shards."""
        found: dict[str, int] = {}
        for keys in self.keys:
            for reason, count in (await self.client.hgetall(keys.dead)).items():
                found[reason.decode()] = found.get(reason.decode(), 0) + int(count)
        return found


@asynccontextmanager
async def shards_of(topic: Topic, redis_url: str, generation: str = "g1") -> AsyncIterator[Shards]:
    shards = Shards(topic, redis_url, generation)
    try:
        yield shards
    finally:
        await shards.client.aclose()
