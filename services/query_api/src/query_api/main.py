"""The API's entry point: settings → mirror → reports → app."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

import structlog
from fastapi import FastAPI

from query_api.auth import Access
from query_api.connections import connect
from query_api.http.middleware.request_metrics import RequestMetricsMiddleware
from query_api.http.openapi.document import complete_openapi
from query_api.http.problems import handle_problems
from query_api.http.protection import protect
from query_api.http.routers import operation_name
from query_api.live.channels import Channels
from query_api.live.courses import Courses
from query_api.live.reports import Reports
from query_api.live.responses import CachedResponses
from query_api.page_build import page_build
from query_api.reader.mirror import Mirror
from query_api.routes import routes
from query_api.routes.access import access_routes
from query_api.routes.pages import OPEN_PATHS, OPEN_PREFIX, page_router
from query_api.server import listen, run
from query_api.settings import Clock, Settings
from query_api.state import ApiState, keep_state, refreshes_of
from query_api.tracing.traces import traces_of
from runtime.logs import configure_logs
from runtime.process import exit_on_signals
from runtime.version import VERSION


def create_app(settings: Settings, clock: Clock | None = None) -> FastAPI:
    """Returns the API. `clock` is the report's: by it, contacts are active or overdue."""
    access = Access(settings)
    build = page_build()
    traces = traces_of(settings.traces_endpoint, settings.traces_sample)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        redis = connect(settings.redis_url)
        mirror = Mirror(redis, settings.timezone, settings.day_end, traces=traces)
        reports = Reports(mirror, settings, clock or settings.clock(), traces=traces)
        channels = Channels(
            reports,
            access,
            limit=settings.max_streams,
            limit_per_caller=settings.max_streams_per_caller,
            build=build,
        )
        courses = Courses(reports)
        state = ApiState(
            redis=redis,
            mirror=mirror,
            reports=reports,
            responses=CachedResponses(reports, reports.compute),
            courses=courses,
            hours=CachedResponses(reports, courses.hours),
            days=CachedResponses(reports, courses.days),
            channels=channels,
        )
        keep_state(app, state)
        try:
            async with access, mirror.running():
                yield
        finally:
            channels.close()
            await redis.aclose()
            await asyncio.to_thread(traces.close)

    # FastAPI's own telemetry stays off: it records queries, and those name clients (ADR 10).
    app = FastAPI(
        title="Obzvon",
        version="1",
        description="The live report «Оперативная работа по обзвону», and the rows behind it.",
        lifespan=lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=operation_name,
        routes=routes(),
    )
    app.include_router(access_routes(access))
    app.include_router(page_router(access))
    handle_problems(app)
    protect(app, settings, access, build=build, open_paths=OPEN_PATHS, open_prefixes=[OPEN_PREFIX])
    complete_openapi(app)
    # The last one added is the first to see a request.
    app.add_middleware(RequestMetricsMiddleware, api=app)
    if traces.tracer:
        from query_api.http.middleware.tracing import TracingMiddleware

        app.add_middleware(
            TracingMiddleware, api=app, tracer=traces.tracer, refreshes=partial(refreshes_of, app)
        )
    return app


def serve(settings: Settings) -> None:
    """Serve until a signal."""
    exit_on_signals()
    sock = listen(settings)
    configure_logs(settings.log_level, traced=settings.traces_endpoint is not None)
    structlog.get_logger().info("started", version=VERSION)
    with sock:
        run(create_app(settings), sock)
