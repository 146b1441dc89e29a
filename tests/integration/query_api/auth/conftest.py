"""An issuer, the log and the command `keys`, for tests of access."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import pytest_asyncio
import structlog

from support.guarded_app import GuardedApp, guarded_app
from support.issuer import Issuer, running_issuer
from support.wallboard_keys import Keys


@pytest.fixture(autouse=True, scope="module")
def _plain_logs() -> None:
    """Nothing is configured: these tests capture the log as it is by default."""


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    """An issuer of the test's own: it may break it."""
    async with running_issuer() as running:
        yield running


@pytest_asyncio.fixture
async def api(issuer: Issuer) -> AsyncIterator[GuardedApp]:
    """The app behind the gate, of the test's own."""
    async with guarded_app(issuer) as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[tuple[Issuer, GuardedApp]]:
    """One issuer and one app for tables of tokens: no token in them changes either."""
    async with (
        running_issuer() as issuer,
        guarded_app(issuer, rate_limit="none", rate_limit_unknown="none") as api,
    ):
        yield issuer, api


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest.fixture
def keys(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Keys:
    return Keys(redis_url, monkeypatch, capsys)
