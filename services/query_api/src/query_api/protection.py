"""What stands before every route: the gate, limits of rate, size and time, and headers.

Pure ASGI middlewares: each costs a microsecond or two, and none holds a stream back.
"""

import asyncio
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any, Final

from fastapi import FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from query_api.auth import audit
from query_api.auth.access import SAFE_METHODS, Access
from query_api.auth.caller import Caller
from query_api.auth.guard import admit, caller_of, check_report
from query_api.auth.openapi import describe_access
from query_api.auth.origin import refuse_foreign_page
from query_api.auth.rates import Rate
from query_api.auth.refusals import Refused, forbidden, unavailable
from query_api.auth.settings import AccessSettings, origin_of
from query_api.http.problems import refusal_problem

OPEN_PATHS: Final = frozenset(
    {"/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/logout"}
)
"""All that answers without a caller. Everything else is shut, known or not."""

OPEN_PREFIXES: Final = ("/docs/",)
"""The files of the documentation page."""

COUNTED_OPEN_PATHS: Final = frozenset({"/login", "/login/callback", "/api/v1/wallboard/session"})
"""Open as well, but counted per network address: they check a credential of their own."""

MAX_HEADER_BYTES: Final = 32 * 1024
MAX_QUERY_BYTES: Final = 8 * 1024

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'{issuer}; frame-ancestors 'none'"
)
"""Everything from here, nothing inline but styles. A route may send a stricter one of its own."""


def protect(
    app: FastAPI,
    settings: AccessSettings,
    access: Access,
    *,
    open_paths: Iterable[str] = (),
    open_prefixes: Iterable[str] = (),
) -> None:
    """Put the middlewares and the handler of refusals around an app.

    `open_paths` are those of the web page's own files, which hold no data.
    """
    app.add_exception_handler(Refused, _answer_refusal)
    describe_access(app, access)
    openings = Openings(OPEN_PATHS | set(open_paths), (*OPEN_PREFIXES, *open_prefixes))
    # The last one added is the first to see a request.
    app.add_middleware(Gate, access=access, openings=openings)
    app.add_middleware(
        RequestLimits, max_body_bytes=settings.max_body_bytes, timeout_s=settings.request_timeout_s
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET"],
            allow_headers=["Authorization", "If-None-Match", "Last-Event-ID"],
            expose_headers=[
                "ETag",
                "Obzvon-As-Of",
                "Obzvon-Lag-Events",
                "Retry-After",
                "X-Request-Id",
                "Content-Disposition",
            ],
            allow_credentials=False,  # other origins bring a token, never our cookies
        )
    app.add_middleware(SecurityHeaders, settings=settings)
    if settings.trusted_proxies:
        app.add_middleware(
            ProxyHeadersMiddleware,
            trusted_hosts=list(settings.trusted_proxies),
        )


class Openings:
    """Which paths need no caller."""

    def __init__(self, paths: Iterable[str], prefixes: tuple[str, ...]) -> None:
        self._paths = frozenset(paths)
        self._prefixes = prefixes

    def __contains__(self, path: str) -> bool:
        return path in self._paths or path.startswith(self._prefixes)


class Gate:
    """Identifies the caller of every request and turns away whoever may not read.

    Refused by default: only paths that are listed as open pass without a caller.
    """

    def __init__(self, app: ASGIApp, *, access: Access, openings: Openings) -> None:
        self._app = app
        self._access = access
        self._openings = openings
        self._per_caller = Rate(access.settings.rate_limit, clock=access.now)
        self._per_address = Rate(access.settings.rate_limit_unknown, clock=access.now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        caller: Caller | None = None
        try:
            if scope["type"] != "http":
                raise forbidden("Nothing is served over WebSockets.", why="websocket")
            if path in COUNTED_OPEN_PATHS:
                self._per_address.hit(_peer(scope))
            elif path not in self._openings:
                caller = await self._identify(scope)
                if caller.handle and scope["method"] not in SAFE_METHODS:
                    refuse_foreign_page(scope, self._access)
                self._per_caller.hit(caller.rate_key)
                check_report(caller)
                admit(scope, caller)
                if caller.kind == "key":
                    audit.key_used(scope, caller)
        except Refused as refusal:
            audit.refused(scope, refusal, caller)
            await refusal_problem(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _identify(self, scope: Scope) -> Caller:
        """The caller; what is refused here counts against the network address it came from."""
        peer = _peer(scope)
        try:
            credential = self._access.credential(scope["headers"])
            if credential is None:
                return check_report(None)
            known = self._access.remembered(credential)
            if known is not None:
                return known
            self._per_address.check(peer)
            return await self._access.verify(credential)
        except Refused as refusal:
            if refusal.status_code == HTTPStatus.UNAUTHORIZED:
                self._per_address.hit(peer)
            raise


class Deadlines:
    """Cancels the requests whose answers do not begin in time.

    One timer for all of them: they have the same time, so the first to come is the first that is
    due. `asyncio.timeout` would set and drop one per request, for ten microseconds each.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[asyncio.Task[Any], float] = {}
        self._cancelled: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, task: asyncio.Task[Any]) -> None:
        loop = asyncio.get_running_loop()
        due = self._due[task] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(due, self._look)

    def release(self, task: asyncio.Task[Any]) -> None:
        self._due.pop(task, None)
        self._cancelled.discard(task)

    def has_cancelled(self, task: asyncio.Task[Any]) -> bool:
        """Whether the cancellation that reached the task came from here; asking settles it."""
        if task not in self._cancelled:
            return False
        self._cancelled.discard(task)
        return task.uncancel() == 0  # else someone else has cancelled it as well

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._due:
            task, due = next(iter(self._due.items()))
            if due > now:
                self._timer = loop.call_at(due, self._look)
                return
            del self._due[task]
            self._cancelled.add(task)
            task.cancel()
        self._timer = None


class RequestLimits:
    """Refuses what is too large, and answers 503 to what takes too long to begin."""

    def __init__(self, app: ASGIApp, *, max_body_bytes: int, timeout_s: float) -> None:
        self._app = app
        self._max_body_bytes = max_body_bytes
        self._deadlines = Deadlines(timeout_s)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._too_large(scope)
        if refusal is not None:
            audit.refused(scope, refusal)
            await refusal_problem(refusal)(scope, receive, send)
            return
        task = asyncio.current_task()
        assert task is not None  # a server runs each request in one
        deadlines = self._deadlines
        has_begun = False

        async def begin(message: Message) -> None:
            nonlocal has_begun
            if not has_begun:
                has_begun = True
                deadlines.release(task)
            await send(message)

        deadlines.watch(task)
        try:
            if scope["method"] not in SAFE_METHODS:
                receive = self._counted(receive)
            await self._app(scope, receive, begin)
        except asyncio.CancelledError:
            if not deadlines.has_cancelled(task) or has_begun:
                raise
            slow = unavailable("The answer took too long: try again.", why="timeout")
            audit.refused(scope, slow, caller_of(scope))
            await refusal_problem(slow)(scope, receive, send)
        finally:
            deadlines.release(task)

    def _too_large(self, scope: Scope) -> Refused | None:
        size = 0
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            if name == b"content-length" and not self._fits(value):
                return self._body_refusal()
        if size > MAX_HEADER_BYTES:
            return Refused(
                431, f"The headers are larger than {MAX_HEADER_BYTES} bytes.", why="large headers"
            )
        if len(scope["query_string"]) > MAX_QUERY_BYTES:
            return Refused(
                414, f"The query is longer than {MAX_QUERY_BYTES} bytes.", why="long query"
            )
        return None

    def _fits(self, content_length: bytes) -> bool:
        return content_length.isdigit() and int(content_length[:16]) <= self._max_body_bytes

    def _body_refusal(self) -> Refused:
        return Refused(
            413, f"The request body is larger than {self._max_body_bytes} bytes.", why="large body"
        )

    def _counted(self, receive: Receive) -> Receive:
        """For bodies that come in chunks and do not say how long they are."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise self._body_refusal()
            return message

        return counted


class SecurityHeaders:
    """Adds the headers a browser defends itself by, where a route has not set its own."""

    def __init__(self, app: ASGIApp, *, settings: AccessSettings) -> None:
        self._app = app
        issuer = f" {origin_of(settings.oidc_issuer)}" if settings.oidc_client_id else ""
        self._policy = CONTENT_SECURITY_POLICY.format(issuer=issuer).encode()
        self._headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
        ]
        self._is_https = settings.is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_https = self._is_https or scope.get("scheme") == "https"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                if not any(name == b"content-security-policy" for name, _ in headers):
                    headers.append((b"content-security-policy", self._policy))
                headers += self._headers
                if is_https:
                    headers.append(_HSTS)
            await send(message)

        await self._app(scope, receive, with_headers)


_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return f"peer:{client[0]}" if client else "peer:"


async def _answer_refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refused)
    audit.refused(request.scope, refusal, caller_of(request.scope))
    return refusal_problem(refusal)
