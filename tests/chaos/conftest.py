"""Real engines for the tests that break them. A missing engine is a failure, not a skip."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from chaos.projectors import Deployment, deployment_on
from devkit.real_engines import (
    KAFKA_VERSION,
    RealKafka,
    RealRedis,
    RealRedisCluster,
    redis_version,
)
from support.engines import SHORT_SESSIONS
from support.topics import Topic, fresh_topic

LIMIT_S = 600
"""Seconds a fault may take, including catching up and the check; other tests may take 180."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.timeout(LIMIT_S))


def pytest_report_header() -> str:
    """Says which engines the faults are tried on."""
    return (
        f"engines: Apache Kafka {KAFKA_VERSION} (KRaft); {redis_version()}; "
        "Redis Cluster: six valkey-servers"
    )


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealKafka]:
    """One broker of Apache Kafka that the tests of the run share."""
    folder = Path(tmp_path_factory.mktemp("real-kafka"))
    async with RealKafka(folder, settings=SHORT_SESSIONS) as kafka:
        yield kafka


@pytest_asyncio.fixture
async def real_redis(tmp_path: Path) -> AsyncIterator[RealRedis]:
    """A redis-server of the test's own."""
    async with RealRedis(tmp_path / "real-redis") as server:
        yield server


@pytest_asyncio.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[RealRedisCluster]:
    """A Redis Cluster of the test's own."""
    async with RealRedisCluster(tmp_path / "cluster") as made:
        yield made


@pytest_asyncio.fixture
async def real_topic(real_kafka: RealKafka) -> AsyncIterator[Topic]:
    """A topic of eight partitions on the shared broker."""
    async with fresh_topic(real_kafka.bootstrap, 8) as made:
        yield made


@pytest_asyncio.fixture
async def deployment(
    real_topic: Topic, real_redis: RealRedis, tmp_path: Path
) -> AsyncIterator[Deployment]:
    """A deployment on the shared broker and a Redis of its own."""
    async with deployment_on(real_topic, real_redis.url, tmp_path) as made:
        yield made
