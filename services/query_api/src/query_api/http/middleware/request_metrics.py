"""Around every request: its id, its metrics, and a line in the log where it is worth one.

A pure ASGI middleware, and the outermost one, so that refusals are seen too.
"""

import re
import secrets
import time
from typing import Final

import structlog
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from query_api import metrics

log = structlog.get_logger()

REQUEST_ID: Final = b"x-request-id"

SLOW_S: Final = 1.0
"""An answer that takes longer to begin is logged."""

_SANE_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")

KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

OTHER: Final = "other"
"""What is not known is counted under one label: callers must not make labels."""


class Routes:
    """The paths an app has, so that nothing else is made a label."""

    def __init__(self, app: FastAPI) -> None:
        self._app = app
        self._known: dict[str, str] = {}

    def of(self, path: str) -> str:
        if not self._known:
            self._known = {
                known: known
                for context in iter_route_contexts(self._app.routes)
                if (known := context.path) is not None and "{" not in known
            }
        return self._known.get(path, OTHER)


class RequestMetricsMiddleware:
    """Counts requests by route, times them, and gives each an id that its answer repeats."""

    def __init__(self, app: ASGIApp, *, of: FastAPI) -> None:
        self._app = app
        self._routes = Routes(of)
        self._counters: dict[tuple[str, str, int], object] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = time.perf_counter()
        request_id = _request_id(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id.decode())
        route = self._routes.of(scope["path"])
        status = 0

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((REQUEST_ID, request_id))
                self._count(scope, route, status, time.perf_counter() - began)
            await send(message)

        metrics.IN_FLIGHT.inc()
        try:
            await self._app(scope, receive, observed)
        finally:
            metrics.IN_FLIGHT.dec()
            if not status:  # the client left, or the answer could not begin
                self._count(scope, route, 499, time.perf_counter() - began)

    def _count(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in KNOWN_METHODS else OTHER
        metrics.REQUESTS.labels(route, method, status).inc()
        metrics.SECONDS.labels(route).observe(seconds)
        if status >= 500 or seconds > SLOW_S:
            log.warning("request", route=route, method=method, status=status, seconds=seconds)
        elif status not in (200, 304):
            log.info("request", route=route, method=method, status=status, seconds=seconds)


def _request_id(scope: Scope) -> bytes:
    """The caller's, if it is a sane one, so that a request can be followed through services."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID and _SANE_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(8).encode()
