"""Health and metrics over HTTP: /livez, /readyz and /metrics, as a bare ASGI application."""

import json
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

from prometheus_client import make_asgi_app

from runtime.version import VERSION

Readiness = Callable[[], dict[str, Any]]
"""What is not ready yet, by name; empty when all is."""


def health_app(
    lifespan: AbstractAsyncContextManager[Any], not_ready: Readiness
) -> Callable[..., Awaitable[None]]:
    """The application. It enters `lifespan` at start-up and leaves it at shutdown."""
    metrics = make_asgi_app()

    async def app(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "lifespan":
            await receive()
            async with lifespan:
                await send({"type": "lifespan.startup.complete"})
                await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        match scope["path"]:
            case "/metrics":
                await metrics(scope, receive, send)
            case "/livez":
                await _respond(send, 200, {"status": "alive"})
            case "/readyz":
                missing = not_ready()
                answer = missing or {"status": "ready"}
                await _respond(send, 503 if missing else 200, answer | {"version": VERSION})
            case path:
                await _respond(send, 404, {"status": f"no such path: {path}"})

    return app


async def _respond(send: Any, status: int, body: dict[str, Any]) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send(
        {"type": "http.response.body", "body": json.dumps(body, ensure_ascii=False).encode()}
    )
