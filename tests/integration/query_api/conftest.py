"""An empty Redis with shards of the projector's store, and the API over it."""

from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
import redis.asyncio
import structlog

from runtime.logs import configure_logs
from support.api import Api, running_api
from support.events import NOON
from support.issuer import Issuer, running_issuer
from support.writer import Writer


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    """One issuer for a whole module: modules here say ``loop_scope="module"``."""
    async with running_issuer() as running:
        yield running


@pytest_asyncio.fixture(loop_scope="module")
async def client(redis_url: str) -> AsyncIterator[redis.asyncio.Redis]:
    made = redis.asyncio.from_url(redis_url)
    yield made
    await made.aclose()


@pytest_asyncio.fixture(loop_scope="module")
async def writer(client: redis.asyncio.Redis) -> Writer:
    return await Writer(client).start()


@pytest_asyncio.fixture(loop_scope="module")
async def api(redis_url: str, writer: Writer, issuer: Issuer) -> AsyncIterator[Api]:
    """The API at noon of `DAY`, over what `writer` wrote."""
    async with running_api(redis_url, issuer, NOON) as running:
        yield running


@pytest.fixture(autouse=True, scope="module")
def _plain_logs() -> Iterator[None]:
    """Logs as the service does; structlog's default shows the values of all variables, slowly."""
    configure_logs("error")
    yield
    structlog.reset_defaults()  # other tests read the log as it is by default
