"""A span around every request, by OpenTelemetry's conventions for HTTP, without personal data.

It is imported only if traces are switched on (ADR 10).
"""

from collections.abc import Callable
from typing import Any, Final

from fastapi import FastAPI
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Tracer, use_span
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from query_api.http.middleware.request_metrics import REQUEST_ID
from query_api.report.snapshot import Refreshes
from query_api.request_labels import KNOWN_METHODS, OTHER, KnownPaths
from runtime.trace_context import child_of, parse_traceparent
from runtime.tracing import mark_failed

_FIGURES_PREFIX: Final = "/api/v1/"
"""The beginning of the paths whose responses show figures."""

_UNTRACED: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Paths that machines request every few seconds, whose spans nobody looks for."""

_W3C_HEADERS: Final[frozenset[Any]] = frozenset({b"traceparent", b"tracestate"})


class TracingMiddleware:
    """Keeps a span open around each request, until its response has been sent.

    A stream's span ends when the stream begins: it may stay open for days.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        api: FastAPI,
        tracer: Tracer,
        refreshes: Callable[[], Refreshes],
    ) -> None:
        """`refreshes` are those whose figures the API shows just now."""
        self._app = app
        self._tracer = tracer
        self._refreshes = refreshes
        self._paths = KnownPaths(api)
        self._shown: Refreshes = ()
        """The refreshes that were in the figures of the last recorded response."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] in _UNTRACED:
            await self._app(scope, receive, send)
            return
        new = self._not_shown(scope["path"])
        span = self._span(scope, new)

        async def send_traced(message: Message) -> None:
            if message["type"] == "http.response.start" and span.is_recording():
                self._describe_response(span, scope, message, new)
            await send(message)

        with use_span(span, record_exception=False, set_status_on_exception=False):
            try:
                await self._app(scope, receive, send_traced)
            except Exception as error:
                mark_failed(span, type(error).__name__)
                raise
            finally:
                span.end()

    def _not_shown(self, path: str) -> Refreshes:
        """Returns the refreshes this response is the first to show.

        If there are any, the request is recorded, whatever share of requests is.
        """
        refreshes = self._refreshes()
        if refreshes is self._shown or not path.startswith(_FIGURES_PREFIX):
            return ()
        return tuple(one for one in refreshes if one not in self._shown)

    def _span(self, scope: Scope, new: Refreshes) -> Span:
        method = scope["method"] if scope["method"] in KNOWN_METHODS else OTHER
        route = self._paths.label(scope["path"])
        attributes = {
            "http.request.method": method,
            "url.scheme": scope.get("scheme", "http"),
            "network.protocol.version": scope.get("http_version", "1.1"),
        }
        if route != OTHER:  # an unknown path can contain anything
            attributes |= {"http.route": route, "url.path": route}
        return self._tracer.start_span(
            f"{method} {route}" if route != OTHER else method,
            child_of(_callers_span(scope)),
            SpanKind.SERVER,
            attributes,
            [Link(one) for one in new],
        )

    def _describe_response(
        self, span: Span, scope: Scope, message: Message, new: Refreshes
    ) -> None:
        status: int = message["status"]
        span.set_attribute("http.response.status_code", status)
        if status >= 500:
            mark_failed(span, str(status))
        headers = dict(message.get("headers", ()))
        if REQUEST_ID in headers:
            span.set_attribute("obzvon.request_id", headers[REQUEST_ID].decode("ascii", "replace"))
        if status in (200, 304) and scope["path"].startswith(_FIGURES_PREFIX):
            refreshes = self._refreshes()
            if refreshes and refreshes[-1] not in new:
                span.add_link(refreshes[-1])
            self._shown = refreshes
        if headers.get(b"content-type", b"").startswith(b"text/event-stream"):
            span.end()


def _callers_span(scope: Scope) -> SpanContext | None:
    """Returns the caller's span, None if it has not sent one."""
    headers: dict[bytes, bytes] = {
        name: value for name, value in scope["headers"] if name in _W3C_HEADERS
    }
    parent = headers.get(b"traceparent")
    if not parent:
        return None
    state = headers.get(b"tracestate", b"")
    return parse_traceparent(parent.decode("ascii", "replace"), state.decode("ascii", "replace"))
