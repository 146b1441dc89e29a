"""The header by which a page notices that the API serves a newer build of it."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BUILD: Final = b"obzvon-build"


class BuildHeaderMiddleware:
    """Adds `Obzvon-Build` to every answer below /api/v1.

    Refusals have it too: a page whose session has ended is to notice a new build as well.
    """

    def __init__(self, app: ASGIApp, *, build: str) -> None:
        self._app = app
        self._header = (BUILD, build.encode("ascii"))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith("/api/v1/"):
            await self._app(scope, receive, send)
            return

        async def with_build(message: Message) -> None:
            if message["type"] == "http.response.start":
                message.setdefault("headers", []).append(self._header)
            await send(message)

        await self._app(scope, receive, with_build)
