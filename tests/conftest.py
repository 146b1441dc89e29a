"""The real servers the tests run on: embedded ones, or those named by environment variables.

Every test begins by emptying its Redis. See `support.engines` for how to name other servers.
"""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import redis.asyncio
from hypothesis import HealthCheck, settings

from devkit.stack.embedded_fetch import pause_after_empty_fetches
from devkit.stack.engines import EmbeddedKafka, EmbeddedRedis
from support.engines import given_kafka, given_redis
from support.topics import Topic, fresh_topic

# How fast examples are generated depends on the machine and its other load.
settings.register_profile("obzvon", suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("obzvon")


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def kafka_bootstrap(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """Address of a Kafka that all tests of the run share; take a `topic` of your own on it."""
    if given := given_kafka():
        yield given
        return
    pause_after_empty_fetches()
    async with EmbeddedKafka(Path(tmp_path_factory.mktemp("kafka"))) as kafka:
        yield kafka.bootstrap


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def redis_server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[str]:
    """URL of a Redis that all tests of the run share; use `redis_url`, which is empty."""
    if given := given_redis():
        yield given
        return
    async with EmbeddedRedis(Path(tmp_path_factory.mktemp("redis"))) as server:
        yield server.url


@pytest_asyncio.fixture
async def redis_url(redis_server: str) -> str:
    """URL of an empty Redis."""
    client = redis.asyncio.from_url(redis_server)
    try:
        await client.flushall()
        await client.script_flush()
    finally:
        await client.aclose()
    return redis_server


@pytest_asyncio.fixture
async def topic(kafka_bootstrap: str) -> AsyncIterator[Topic]:
    """A new events topic of four partitions and its dead letters."""
    async with fresh_topic(kafka_bootstrap) as made:
        yield made
