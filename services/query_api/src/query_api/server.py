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
"""Cells and rows are many small tuples without cycles: with Python's own thresholds the collector
would walk over all of them while some are being read."""

GRACE_S: Final = 5
"""Seconds for which a stopping server lets requests finish; then it cuts them off. Docker kills the
process after ten."""

STALLED_MS: Final = 60_000
"""Milliseconds without an acknowledgement after which a client is cut off. Otherwise a stream that
nobody reads would stay open, and count as one, even after its token has expired."""


def listen(settings: Settings) -> socket.socket:
    """Returns a socket at the API's address, or exits with one line and code 2."""
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
    """Uvicorn that can stop: it would wait for open streams, so they are ended first.

    It would also wait forever for a client that has stopped reading, so the system cuts that off.
    """

    def __init__(self, app: FastAPI, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._app = app

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        for sock in (
            sockets or []
        ):  # connections inherit the option from the socket that accepts them
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
    """Serve on a socket until a signal. Objects that exist already are never garbage-collected."""
    freeze_garbage(GC_THRESHOLDS)
    server_of(app).run(sockets=[sock])
