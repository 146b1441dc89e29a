"""A collector of traces, and an issuer."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio

from support.collector import Collector, running_collector
from support.issuer import Issuer, running_issuer


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with running_collector() as running:
        yield running


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        yield running
