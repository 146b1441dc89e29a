"""Redis after a failover: its name leads to another server, the old one keeps connections."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis.asyncio

import projector.store.client
import query_api.connections
import runtime.redis
from devkit.stack.engines import EmbeddedRedis
from projector.fold.facts import fact_of_event
from projector.store.client import connect
from projector.store.errors import RolledBack
from query_api.auth.store import AccessStore
from runtime.redis import RedisClient
from support.events import planned
from support.proxy import HOST, Proxy, proxy
from support.writer import Writer

SERVICES = pytest.mark.parametrize(
    "module", [projector.store.client, query_api.connections], ids=["projector", "API"]
)


@pytest.fixture
def let_time_pass(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """Make connections older by so many seconds."""

    def let_time_pass(seconds: float) -> None:
        monkeypatch.setattr(runtime.redis, "monotonic", lambda: time.monotonic() + seconds)

    return let_time_pass


@pytest_asyncio.fixture
async def two(tmp_path: Path) -> AsyncIterator[list[EmbeddedRedis]]:
    servers = [EmbeddedRedis(tmp_path / name) for name in ("old", "new")]
    try:
        await asyncio.gather(*(server.start() for server in servers))
        yield servers
    finally:
        await asyncio.gather(*(server.stop() for server in servers))


async def demote(name: Proxy, old: EmbeddedRedis, new: EmbeddedRedis) -> None:
    name.point(new.port)
    client = redis.asyncio.from_url(old.url)
    await client.replicaof(HOST, new.port)
    await client.aclose()


@SERVICES
async def test_write_reaches_the_new_primary(module: Any, two: list[EmbeddedRedis]) -> None:
    old, new = two
    async with proxy(old.port) as name:
        client = module.connect(f"redis://{name.address}/0")
        await client.set("before", "1")
        await demote(name, old, new)
        await client.set("after", "1")
        assert await client.get("after") == b"1"
        assert name.connections == 2
        await client.aclose()


@SERVICES
async def test_reader_reaches_the_new_primary_once_its_connection_is_old(
    module: Any, two: list[EmbeddedRedis], let_time_pass: Callable[[float], None]
) -> None:
    old, new = two
    async with proxy(old.port) as name, redis.asyncio.from_url(new.url) as there:
        await there.set("where", "new")
        client = module.connect(f"redis://{name.address}/0")
        await client.set("where", "old")
        name.point(new.port)
        let_time_pass(module.CONNECTION_S / 2)
        assert await client.get("where") == b"old"
        let_time_pass(module.CONNECTION_S)
        assert await client.get("where") == b"new"
        await client.aclose()


async def test_nothing_is_folded_on_the_old_data_of_a_lagging_replica(
    two: list[EmbeddedRedis], let_time_pass: Callable[[float], None]
) -> None:
    old, new = two
    primary: RedisClient = redis.asyncio.from_url(new.url)
    async with proxy(new.port) as name, primary:
        writer = await Writer(connect(f"redis://{name.address}/0"), partitions=1).start()
        [shard] = writer.shards
        await writer.write([planned("T1")])
        behind = {key: await primary.dump(key) for key in await primary.keys("*")}
        await writer.write([planned("T2")])
        async with redis.asyncio.from_url(old.url) as replica:
            for key, value in behind.items():
                await replica.restore(key, 0, value)

        name.point(old.port)
        let_time_pass(projector.store.client.CONNECTION_S)
        with pytest.raises(RolledBack):
            await shard.prepare({"T3": [fact_of_event(planned("T3"))]})
        await writer.client.aclose()


async def test_sessions_are_stored_on_the_new_primary(two: list[EmbeddedRedis]) -> None:
    old, new = two
    async with proxy(old.port) as name:
        store = AccessStore(f"redis://{name.address}/0")
        assert await store.keys() == []
        await demote(name, old, new)
        assert await store.claim_renewal("a session")
        assert not await store.claim_renewal("a session")
        await store.close()
