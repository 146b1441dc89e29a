"""The proxy of the tests breaks connections as it says."""

import asyncio
from pathlib import Path

import pytest
import redis.asyncio
from redis.exceptions import RedisError

from devkit.stack.engines import EmbeddedRedis
from runtime.redis import RedisClient
from support.proxy import Proxy, proxy
from support.waiting import until


async def ask(between: Proxy, *words: str) -> object:
    """The answer on a connection of its own."""
    client: RedisClient = redis.asyncio.from_url(f"redis://{between.address}/0")
    async with client:
        answer: object = await client.execute_command(*words)
        return answer


async def test_proxy_switches_cuts_and_hangs_connections(tmp_path: Path) -> None:
    async with (
        EmbeddedRedis(tmp_path / "a") as first,
        EmbeddedRedis(tmp_path / "b") as second,
        proxy(first.port) as between,
    ):
        await ask(between, "SET", "name", "first")
        reader, writer = await asyncio.open_connection("127.0.0.1", between.port)
        writer.write(b"PING\r\n")
        assert await reader.readline() == b"+PONG\r\n"

        between.switch(second.port)
        assert await reader.read() == b""
        writer.close()
        assert await ask(between, "GET", "name") is None
        between.switch(first.port)
        assert await ask(between, "GET", "name") == b"first"
        assert between.connections == 4

        between.hang()
        waiting = asyncio.ensure_future(ask(between, "GET", "name"))
        await until(lambda: between.connections == 5)
        done, _ = await asyncio.wait([waiting], timeout=0.2)
        assert not done
        between.go_on()
        assert await waiting == b"first"

        between.cut()
        with pytest.raises((RedisError, OSError)):
            await ask(between, "GET", "name")
