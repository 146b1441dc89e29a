"""Projector and API as processes of their own, on a topic of their own."""

import sys
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from chaos.projectors import Place, place
from devkit.stack.ports import free_port
from devkit.stack.processes import Child
from support.issuer import running_issuer
from support.topics import fresh_topic
from support.waiting import until

PARTITIONS = 8


class Services(NamedTuple):
    """The place, a client of the API that may read everything, and the API's process id."""

    here: Place
    client: httpx.AsyncClient
    api_pid: int


@asynccontextmanager
async def services(
    bootstrap: str, redis_url: str, folder: Path, *, token_s: float, **projector: Any
) -> AsyncIterator[Services]:
    """Ready when entered. The client's token holds for `token_s` seconds.

    `projector` are settings of the projector, by their environment names.
    """
    async with AsyncExitStack() as stack:
        topic = await stack.enter_async_context(fresh_topic(bootstrap, PARTITIONS))
        here = await stack.enter_async_context(place(topic, redis_url, folder))
        started = here.projector(**projector)
        issuer = await stack.enter_async_context(running_issuer())
        port = free_port()
        environment = here.environment(
            OBZVON_OIDC_ISSUER=issuer.url, OBZVON_API_PORT=str(port), OBZVON_RATE_LIMIT="none"
        )
        api = Child(
            "query_api",
            [sys.executable, "-m", "query_api"],
            log=folder / "api.log",
            env=environment,
        )
        await stack.enter_async_context(api)
        token = issuer.token("head", exp=int(time.time() + token_s))
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"http://127.0.0.1:{port}",
                headers={"Authorization": f"Bearer {token}"},
                trust_env=False,
                timeout=10,
            )
        )

        async def is_answered() -> bool:
            try:
                return (await client.get("/api/v1/report")).status_code == httpx.codes.OK
            except httpx.HTTPError:
                return False

        await started.ready()
        await until(is_answered, within_s=60.0, every_s=0.2)
        yield Services(here, client, api.pid)
