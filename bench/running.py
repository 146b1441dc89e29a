"""The projector and the API as separate processes, on a topic of their own."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from chaos.projectors import Deployment, deployment_on
from support.issuer import running_issuer
from support.processes import api_process
from support.topics import fresh_topic
from support.waiting import until

PARTITIONS = 8


class Services(NamedTuple):
    """The deployment, a client of the API that may read everything, and the API's process id."""

    deployment: Deployment
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
        deployment = await stack.enter_async_context(deployment_on(topic, redis_url, folder))
        started = deployment.projector(**projector)
        issuer = await stack.enter_async_context(running_issuer())
        env = deployment.environment(OBZVON_RATE_LIMIT="none")
        api, client = await stack.enter_async_context(
            api_process(issuer, folder, env, token_s=token_s)
        )

        async def is_answered() -> bool:
            try:
                return (await client.get("/api/v1/report")).status_code == httpx.codes.OK
            except httpx.HTTPError:
                return False

        await started.ready()
        await until(is_answered, within_s=60.0, every_s=0.2)
        yield Services(deployment, client, api.pid)
