"""The API's entry point: settings → mirror → answers → app."""

import asyncio
import json
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import uvicorn
from fastapi import FastAPI

from query_api.auth import Access
from query_api.http.middleware.request_metrics import RequestMetricsMiddleware
from query_api.http.openapi.document import complete_openapi
from query_api.http.problems import handle_problems
from query_api.http.protection import protect
from query_api.http.routers import operation_name
from query_api.reader.client import connect
from query_api.reader.mirror import Mirror
from query_api.routes import contacts, docs, export, filters, health, report, stream
from query_api.routes.access import access_routes
from query_api.routes.answers import Answers
from query_api.routes.channels import Channels
from query_api.settings import Clock, Settings, load_settings
from query_api.tracing.traces import traces_of
from runtime.logs import configure_logs
from runtime.process import exit_on_signals, freeze_garbage
from runtime.settings import EXIT_CODE

GC_THRESHOLDS: Final = (50_000, 20, 50)
"""Cells and rows are many small tuples without cycles: Python's own thresholds would have the
collector walk over all of them in the middle of reading some."""

GRACE_S: Final = 5
"""Seconds a stopping server gives requests under way; then they are cut off. Docker kills what has
not ended after ten."""

STALLED_MS: Final = 60_000
"""Milliseconds for which a client may take nothing of what is sent, before it is cut off: else a
stream that nobody reads would stay open, and count, even when its token has ended."""


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """The API. `clock` is the report's: it decides what is active and what is overdue."""
    access = Access(settings)
    traces = traces_of(settings.traces_endpoint, settings.traces_sample)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis = connect(settings.redis_url)
        mirror = Mirror(redis, settings.timezone, settings.day_end, traces=traces)
        app.state.redis = redis
        app.state.mirror = mirror
        answers = app.state.answers = Answers(
            mirror, settings, clock or settings.clock(), traces=traces
        )
        app.state.ready = {}
        app.state.channels = Channels(
            answers,
            access,
            limit=settings.max_streams,
            limit_per_caller=settings.max_streams_per_caller,
        )
        try:
            async with access, mirror.running():
                yield
        finally:
            app.state.channels.close()
            await redis.aclose()
            await asyncio.to_thread(traces.close)

    # Not FastAPI's own telemetry: it writes queries, and those name clients (ADR 10).
    app = FastAPI(
        title="Obzvon",
        version="1",
        description="The live report «Оперативная работа по обзвону», and the rows behind it.",
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=operation_name,
        routes=[
            route
            for module in (
                report,
                stream,
                contacts,
                filters,
                export,
                health,
                docs,
            )  # the busiest first
            for route in module.router.routes
        ],
    )
    app.include_router(access_routes(access))
    handle_problems(app)
    protect(app, settings, access)
    complete_openapi(app)
    # The last one added is the first to see a request.
    app.add_middleware(RequestMetricsMiddleware, api=app)
    if traces.tracer:
        from query_api.http.middleware.tracing import TracingMiddleware

        app.add_middleware(TracingMiddleware, api=app, tracer=traces.tracer)
    return app


class Server(uvicorn.Server):
    """Uvicorn waits for open streams when it stops, so they are told to end first.

    And it waits for ever for a client that stops reading; the system does not.
    """

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        for sock in sockets or []:  # connections take it over from what they came in by
            if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, STALLED_MS)
        await super().startup(sockets)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._app.state.channels.close()
        await super().shutdown(sockets)


def server_of(app: FastAPI) -> Server:
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=GRACE_S,
    )
    return Server(app, config)


def openapi() -> str:
    """The OpenAPI document of an API with default settings, as it is committed."""
    settings = Settings(redis_url="redis://redis.example", oidc_issuer="https://issuer.example")
    described = create_app(settings).openapi()
    return json.dumps(described, ensure_ascii=False, indent=1, sort_keys=True)


def serve(settings: Settings) -> None:
    """Serve until a signal; a port that can't be had is one line, and exit code 2."""
    exit_on_signals()
    try:
        sock = socket.create_server((settings.api_host, settings.api_port), backlog=2048)
    except OSError as error:
        print(
            f"query_api: OBZVON_API_HOST={settings.api_host} OBZVON_API_PORT={settings.api_port} "
            f"can't be listened on: {error.strerror or error}; give another one",
            file=sys.stderr,
        )
        raise SystemExit(EXIT_CODE) from None
    configure_logs(settings.log_level, traced=settings.traces_endpoint is not None)
    with sock:
        run(create_app(settings), sock)


def run(app: FastAPI, sock: socket.socket) -> None:
    """Serve on a socket until a signal. What exists by now is never collected."""
    freeze_garbage(GC_THRESHOLDS)
    server_of(app).run(sockets=[sock])


def main() -> None:
    match sys.argv[1:]:
        case []:
            serve(load_settings())
        case ["openapi"]:
            print(openapi())
        case ["keys", *arguments]:
            from query_api.auth.commands import keys

            sys.exit(keys(arguments))
        case other:
            sys.exit(
                f"query_api: there is no command {other[0]!r}; there are: (none), keys and openapi"
            )
