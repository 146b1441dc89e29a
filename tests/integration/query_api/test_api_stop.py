"""The API as a separate process: it stops on a signal, whoever is connected."""

import asyncio
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from devkit.stack.processes import Child
from support.issuer import Issuer
from support.processes import api_process, clean_environment
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")

DOCKER_KILLS_AFTER_S = 10


@asynccontextmanager
async def ready_api(
    redis_url: str, issuer: Issuer, folder: Path
) -> AsyncIterator[tuple[Child, httpx.AsyncClient]]:
    """`python -m query_api`, ready, and a client that may read everything."""
    env = {**clean_environment(), "OBZVON_REDIS_URL": redis_url}
    async with api_process(issuer, folder, env) as (process, client):

        async def is_ready() -> bool:
            try:
                return (await client.get("/readyz")).is_success
            except httpx.TransportError:
                return False

        await until(is_ready, within_s=30)
        yield process, client


@pytest.mark.parametrize("told", [signal.SIGTERM, signal.SIGINT])
async def test_api_stops_gracefully_with_an_open_stream(
    told: signal.Signals, redis_url: str, writer: Writer, issuer: Issuer, tmp_path: Path
) -> None:
    async with (
        ready_api(redis_url, issuer, tmp_path) as (process, client),
        client.stream("GET", "/api/v1/stream") as stream,
    ):
        lines = stream.aiter_lines()
        await anext(lines)

        process.send(told)

        assert await asyncio.wait_for(process.exited(), DOCKER_KILLS_AFTER_S) == 0
        assert "Traceback" not in process.log.read_text()


async def test_request_body_that_never_ends_does_not_delay_the_stop_until_a_kill(
    redis_url: str, writer: Writer, issuer: Issuer, tmp_path: Path
) -> None:
    async with ready_api(redis_url, issuer, tmp_path) as (process, client):
        _, slow = await asyncio.open_connection(client.base_url.host, client.base_url.port)
        slow.write(
            b"POST /api/v1/wallboard/session HTTP/1.1\r\nHost: api\r\nContent-Length: 9\r\n\r\n"
        )
        metrics = "obzvon_api_requests_in_flight 2.0"  # this one, and the one that asks

        async def is_under_way() -> bool:
            return metrics in (await client.get("/metrics")).text

        await until(is_under_way)

        process.send(signal.SIGTERM)

        assert await asyncio.wait_for(process.exited(), DOCKER_KILLS_AFTER_S - 2) == 0
        slow.close()
