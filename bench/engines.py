"""Which Kafka and Redis a benchmark runs on: the engines of production, or those named outside.

See `support.engines` for how to name them. The output says which ones it ran on, since the figures
depend on that.
"""

import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from devkit.real_engines import RealKafka, RealRedis, redis_version
from support.engines import SHORT_SESSIONS, given_kafka, given_redis


@asynccontextmanager
async def kafka() -> AsyncIterator[str]:
    """Bootstrap address of a broker."""
    if given := given_kafka():
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
    if given := given_redis():
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
