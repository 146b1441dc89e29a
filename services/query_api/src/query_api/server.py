"""The server: uvicorn, made to stop within seconds whatever its clients do."""

import socket
import sys
from typing import Final

import uvicorn
from fastapi import FastAPI

from query_api.settings import Settings
from query_api.state import state_of
from runtime.process import freeze_garbage
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


def listen(settings: Settings) -> socket.socket:
    """Returns a socket at the API's address; if it can't be had, ends with a line and code 2."""
    try:
        return socket.create_server((settings.api_host, settings.api_port), backlog=2048)
    except OSError as error:
        print(
            f"query_api: OBZVON_API_HOST={settings.api_host} OBZVON_API_PORT={settings.api_port} "
            f"can't be listened on: {error.strerror or error}; give another one",
            file=sys.stderr,
        )
        raise SystemExit(EXIT_CODE) from None


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
        state_of(self._app).channels.close()
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


def run(app: FastAPI, sock: socket.socket) -> None:
    """Serve on a socket until a signal. What exists by now is never collected."""
    freeze_garbage(GC_THRESHOLDS)
    server_of(app).run(sockets=[sock])
