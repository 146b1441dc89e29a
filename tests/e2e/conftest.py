"""An issuer whose tokens the API under test accepts."""

from collections.abc import AsyncIterator

import pytest_asyncio

from support.issuer import Issuer, running_issuer


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        yield running
