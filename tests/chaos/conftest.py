"""Real engines for the tests that break them. What is missing here is a failure, not a skip."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from devkit.real_engines import RealKafka


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def real_kafka(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[RealKafka]:
    """One broker of Apache Kafka that the tests of the run share."""
    async with RealKafka(Path(tmp_path_factory.mktemp("real-kafka"))) as kafka:
        yield kafka
