"""The API's entry point: settings → mirror → answers → app."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog
import uvicorn
from fastapi import FastAPI

from query_api.auth import Access, access_routes
from query_api.protection import protect
from query_api.reader.client import connect
from query_api.reader.mirror import Mirror
from query_api.routes import contacts, health, report
from query_api.routes.answers import Answers
from query_api.routes.problems import handle_problems
from query_api.settings import Clock, Settings, load

log = structlog.get_logger()


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The API. `clock` is the report's: it decides what is active and what is overdue."""
    access = Access(settings)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis = connect(settings.redis_url)
        mirror = Mirror(redis, settings.timezone, settings.day_end)
        app.state.redis = redis
        app.state.mirror = mirror
        app.state.answers = Answers(mirror, settings, clock or settings.clock())
        try:
            async with access, mirror.running():
                yield
        finally:
            await redis.aclose()

    app = FastAPI(title="Obzvon", version="1", lifespan=lifespan, docs_url=None, redoc_url=None)
    app.include_router(health.router)
    for module in (report, contacts):
        app.include_router(module.router, prefix="/api/v1")
    app.include_router(access_routes(access))
    handle_problems(app)
    protect(app, settings, access)
    return app


def serve(settings: Settings) -> None:
    uvicorn.run(
        create_app(settings),
        host=settings.api_host,
        port=settings.api_port,
        log_level=settings.log_level,
        access_log=False,
        server_header=False,
        proxy_headers=False,
    )


def main() -> None:
    match sys.argv[1:]:
        case []:
            serve(load())
        case ["keys", *arguments]:
            from query_api.auth.commands import keys

            sys.exit(keys(arguments))
        case other:
            sys.exit(f"query_api: there is no command {other[0]!r}; there are: (none) and keys")
