"""The id and the metrics of every request, and a line in the log if it is worth one."""

import re
import secrets
import time
from typing import Final

import structlog
from fastapi import FastAPI
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from query_api import metrics
from query_api.request_labels import KNOWN_METHODS, OTHER, KnownPaths

log = structlog.get_logger()

REQUEST_ID: Final = b"x-request-id"

SLOW_S: Final = 1.0
"""Seconds after which a response that has not begun is logged as slow."""

_WELL_FORMED_ID: Final = re.compile(rb"[A-Za-z0-9._-]{8,64}")


class RequestMetricsMiddleware:
    """Counts requests by route, times them, and gives each an id that its response repeats.

    It must be outside the gate, so that it sees refusals too.
    """

    def __init__(self, app: ASGIApp, *, api: FastAPI) -> None:
        self._app = app
        self._paths = KnownPaths(api)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.perf_counter()
        request_id = _request_id(scope)
        structlog.contextvars.bind_contextvars(request_id=request_id.decode())
        route = self._paths.label(scope["path"])
        status = 0

        async def send_observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message.setdefault("headers", []).append((REQUEST_ID, request_id))
                self._count(scope, route, status, time.perf_counter() - started)
            await send(message)

        metrics.IN_FLIGHT.inc()
        try:
            await self._app(scope, receive, send_observed)
        finally:
            metrics.IN_FLIGHT.dec()
            if not status:  # the client left, or the response could not begin
                self._count(scope, route, 499, time.perf_counter() - started)

    def _count(self, scope: Scope, route: str, status: int, seconds: float) -> None:
        method = scope["method"] if scope["method"] in KNOWN_METHODS else OTHER
        metrics.REQUESTS.labels(route, method, status).inc()
        metrics.SECONDS.labels(route).observe(seconds)
        if status >= 500 or seconds > SLOW_S:
            log.warning("request", route=route, method=method, status=status, seconds=seconds)
        elif status not in (200, 304):
            log.info("request", route=route, method=method, status=status, seconds=seconds)


def _request_id(scope: Scope) -> bytes:
    """Returns the caller's id if it is well-formed, so that a request can be followed across services."""
    for name, value in scope["headers"]:
        if name == REQUEST_ID and _WELL_FORMED_ID.fullmatch(value):
            return bytes(value)
    return secrets.token_hex(8).encode()
