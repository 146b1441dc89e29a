"""Which Kafka and Redis a benchmark runs on: the engines of production, or those named outside.

``OBZVON_TEST_KAFKA`` is the bootstrap address of a running broker, ``OBZVON_TEST_REDIS`` the URL
of a running Redis that may be EMPTIED. Which ones it is stands in the output: figures depend on it.
"""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from devkit.real_engines import RealKafka, RealRedis, redis_version

SHORT_SESSIONS = {"group.min.session.timeout.ms": "1000"}


@asynccontextmanager
async def kafka() -> AsyncIterator[str]:
    """Bootstrap address of a broker."""
    if given := os.environ.get("OBZVON_TEST_KAFKA"):
        print(f"Kafka: given, {given}", flush=True)
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        async with RealKafka(Path(folder), settings=SHORT_SESSIONS) as server:
            print(f"Kafka: {server.description}", flush=True)
            yield server.bootstrap


@asynccontextmanager
async def redis_server() -> AsyncIterator[str]:
    """URL of an empty Redis."""
    if given := os.environ.get("OBZVON_TEST_REDIS"):
        print(f"Redis: given, {given.rpartition('@')[2]}", flush=True)
        yield given
        return
    with tempfile.TemporaryDirectory() as folder:
        async with RealRedis(Path(folder)) as server:
            print(f"Redis: {redis_version()}", flush=True)
            yield server.url


@asynccontextmanager
async def engines() -> AsyncIterator[tuple[str, str]]:
    """(Kafka's bootstrap address, Redis' URL)."""
    async with AsyncExitStack() as stack:
        bootstrap = await stack.enter_async_context(kafka())
        yield bootstrap, await stack.enter_async_context(redis_server())
