"""The API in this process, over a real Redis, called with real tokens."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
from fastapi import FastAPI

from query_api.main import create_app
from query_api.server import Server, server_of
from query_api.settings import Settings
from query_api.state import ApiState, state_of
from support.events import DAY
from support.issuer import Issuer
from support.serving import address, listening
from support.waiting import until


class Clock:
    """The report's clock: set `now`, or leave it at real time."""

    def __init__(self, now: str | None = None) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return datetime.fromisoformat(self.now) if self.now else datetime.now(UTC)


class Api:
    """A running API and a client that may read everything."""

    server: Server
    """Where it is served over a port."""
    serving: asyncio.Task[None]

    def __init__(self, app: FastAPI, client: httpx.AsyncClient, clock: Clock) -> None:
        self.app = app
        self.client = client
        self.clock = clock

    @property
    def state(self) -> ApiState:
        return state_of(self.app)

    async def get(self, path: str, **parameters: Any) -> Any:
        """Returns the JSON of a response that must be a 200."""
        answer = await self.client.get(f"/api/v1{path}", params=parameters)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def raw(
        self, path: str, headers: dict[str, str] | None = None, **parameters: Any
    ) -> httpx.Response:
        return await self.client.get(f"/api/v1{path}", params=parameters, headers=headers)

    async def report(self, **parameters: Any) -> dict[str, Any]:
        """Operator id → figures, as golden/ writes them."""
        answer = await self.get("/report", **parameters)
        return {
            line["operator"]["id"]: {k: v for k, v in line.items() if k != "operator"}
            for line in answer["operators"]
        }

    async def totals(self, **parameters: Any) -> Any:
        """The totals of the report, of `DAY` unless another date is asked for."""
        return (await self.get("/report", **{"date": DAY, **parameters}))["totals"]

    async def shows_planned(self, count: int) -> bool:
        """Returns whether the report of `DAY`, which must be there, counts so many planned contacts."""
        return bool((await self.totals())["planned"] == count)

    async def is_stale(self) -> bool:
        """Returns whether the report of `DAY` calls itself stale."""
        return bool((await self.get("/report", date=DAY))["stale"])

    async def is_fresh(self) -> bool:
        return not await self.is_stale()

    async def status(self, path: str = "/api/v1/report", **parameters: str) -> int:
        """Returns the status of a response at this path of the whole server."""
        return (await self.client.get(path, params=parameters)).status_code

    async def up_to_date(self) -> None:
        """Wait for a read of all of Redis that starts now."""
        await asyncio.wait_for(self.state.mirror.reread(), 5)


def app_of(
    redis_url: str, issuer: Issuer, now: str | None, **settings: Any
) -> tuple[FastAPI, Clock]:
    clock = Clock(now)
    made = Settings(redis_url=redis_url, oidc_issuer=issuer.url, rate_limit="none", **settings)
    return create_app(made, clock), clock


@asynccontextmanager
async def running_api(
    redis_url: str, issuer: Issuer, now: str | None = None, **settings: Any
) -> AsyncIterator[Api]:
    """The API with its lifespan, and a client with the role head."""
    app, clock = app_of(redis_url, issuer, now, **settings)
    async with app.router.lifespan_context(app):
        transport = httpx.ASGITransport(app=app)
        headers = {"Authorization": f"Bearer {issuer.token('head')}"}
        async with httpx.AsyncClient(
            transport=transport, base_url="http://api.test", headers=headers
        ) as client:
            yield Api(app, client, clock)


@asynccontextmanager
async def served_api(
    redis_url: str, issuer: Issuer, now: str | None = None, *, port: int = 0, **settings: Any
) -> AsyncIterator[Api]:
    """The API on a port of this machine, as `python -m query_api` serves it."""
    app, clock = app_of(redis_url, issuer, now, **settings)
    server = server_of(app)
    sock = listening(port)
    serving = asyncio.create_task(server.serve(sockets=[sock]))
    try:
        await until(lambda: server.started)
        headers = {"Authorization": f"Bearer {issuer.token('head')}"}
        async with httpx.AsyncClient(
            base_url=address(sock), headers=headers, trust_env=False, timeout=10
        ) as client:
            api = Api(app, client, clock)
            api.server, api.serving = server, serving
            yield api
    finally:
        server.should_exit = True
        await serving
        sock.close()
