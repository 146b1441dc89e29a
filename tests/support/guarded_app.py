"""A small app behind the real gate, on a real port, for tests of access and protection."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse

from query_api.auth import (
    Access,
    AccessSettings,
    Caller,
    ReportCaller,
    RowsCaller,
)
from query_api.http.openapi.problems import REFUSALS
from query_api.http.protection import protect
from query_api.routes.access import access_routes
from support.issuer import CLIENT_ID, Issuer
from support.serving import address, listening, served

REPORT = "/api/v1/report"
ROWS = "/api/v1/contacts"


class HandClock:
    """A clock that moves only when the test says so."""

    def __init__(self, now: float | None = None) -> None:
        self.now = time.time() if now is None else now

    def __call__(self) -> float:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += seconds


@dataclass
class GuardedApp:
    """The app, its access control, and a client that calls it over TCP."""

    access: Access
    client: httpx.AsyncClient
    clock: HandClock
    monotonic: HandClock

    async def get(self, path: str, token: str | None = None, **headers: str) -> httpx.Response:
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        return await self.client.get(path, headers=headers)


def facts(caller: Caller) -> dict[str, Any]:
    restriction = caller.restriction
    return {
        "subject": caller.subject,
        "kind": caller.kind,
        "roles": sorted(caller.roles),
        "operators": sorted(restriction.operators)
        if restriction and restriction.operators is not None
        else None,
        "managers": sorted(restriction.managers)
        if restriction and restriction.managers is not None
        else None,
    }


def small_app() -> FastAPI:
    app = FastAPI()

    @app.get("/livez")
    async def livez() -> str:
        return "ok"

    @app.get("/api/v1/report", responses=REFUSALS)
    async def report(caller: ReportCaller) -> dict[str, Any]:
        return facts(caller)

    @app.get("/api/v1/contacts", responses=REFUSALS)
    async def contacts(caller: RowsCaller) -> dict[str, Any]:
        return facts(caller)

    @app.post("/api/v1/note")
    async def note(request: Request, caller: ReportCaller) -> int:
        return len(await request.body())

    @app.get("/api/v1/never")
    async def never(caller: ReportCaller) -> None:
        await asyncio.sleep(3600)

    @app.get("/api/v1/stream")
    async def stream(caller: ReportCaller, parts: int = 3, pause_s: float = 0.1) -> Any:
        async def flow() -> AsyncIterator[bytes]:
            for _ in range(parts):
                yield b"data: {}\n\n"
                await asyncio.sleep(pause_s)

        return StreamingResponse(flow(), media_type="text/event-stream")

    @app.get("/api/v1/peer")
    async def peer(request: Request, caller: ReportCaller) -> str:
        return f"{request.scope['client'][0]} {request.scope['scheme']}"

    return app


@asynccontextmanager
async def guarded_app(issuer: Issuer, **given: Any) -> AsyncIterator[GuardedApp]:
    """The app with these settings; `login=True` switches the browser's login on."""
    clock, monotonic = HandClock(), HandClock(1_000.0)
    sock = listening()
    if given.pop("login", False):
        given = {"oidc_client_id": CLIENT_ID, "public_url": address(sock), **given}
    settings = AccessSettings(oidc_issuer=issuer.url, **given)
    async with Access(settings, clock=clock, monotonic=monotonic) as access:
        app = small_app()
        app.include_router(access_routes(access))
        protect(app, settings, access)
        async with (
            served(app, sock=sock) as url,
            httpx.AsyncClient(base_url=url, trust_env=False, verify=False) as client,
        ):
            yield GuardedApp(access, client, clock, monotonic)
