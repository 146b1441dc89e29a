"""The limits of a request: its size, and the time until its response begins."""

import asyncio
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from query_api.auth import audit
from query_api.auth.guard import caller_of
from query_api.auth.origin import SAFE_METHODS
from query_api.auth.refusals import Refusal, unavailable
from query_api.http.middleware.deadlines import Deadlines
from query_api.http.problems import refusal_problem

MAX_HEADER_BYTES: Final = 32 * 1024
MAX_QUERY_BYTES: Final = 8 * 1024


class RequestLimitsMiddleware:
    """Refuses requests that are too large; answers 503 if a response takes too long to begin."""

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
            audit.log_refusal(scope, refusal)
            await refusal_problem(refusal)(scope, receive, send)
            return
        task = asyncio.current_task()
        assert task is not None  # servers run each request in a task
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
            audit.log_refusal(scope, slow, caller_of(scope))
            await refusal_problem(slow)(scope, receive, send)
        finally:
            deadlines.release(task)

    def _too_large(self, scope: Scope) -> Refusal | None:
        size = 0
        for name, value in scope["headers"]:
            size += len(name) + len(value)
            if name == b"content-length" and not self._fits(value):
                return self._body_refusal()
        if size > MAX_HEADER_BYTES:
            return Refusal(
                431, f"The headers are larger than {MAX_HEADER_BYTES} bytes.", why="large headers"
            )
        if len(scope["query_string"]) > MAX_QUERY_BYTES:
            return Refusal(
                414, f"The query is longer than {MAX_QUERY_BYTES} bytes.", why="long query"
            )
        return None

    def _fits(self, content_length: bytes) -> bool:
        return content_length.isdigit() and int(content_length[:16]) <= self._max_body_bytes

    def _body_refusal(self) -> Refusal:
        return Refusal(
            413, f"The request body is larger than {self._max_body_bytes} bytes.", why="large body"
        )

    def _counted(self, receive: Receive) -> Receive:
        """Returns a `receive` that counts: a body that comes in chunks does not say how long it is."""
        received = 0

        async def counted() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > self._max_body_bytes:
                raise self._body_refusal()
            return message

        return counted
