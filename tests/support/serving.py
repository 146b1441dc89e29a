"""An ASGI app on a real port of this machine, in the test's own event loop."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import uvicorn


@asynccontextmanager
async def served(
    app: Any, *, sock: socket.socket | None = None, root_path: str = ""
) -> AsyncIterator[str]:
    """The app's address, like http://127.0.0.1:PORT, while it is served there."""
    sock = sock or listening()
    config = uvicorn.Config(
        app, log_level="error", lifespan="off", proxy_headers=False, root_path=root_path
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    # Not `serve`: it installs signal handlers, and checks only now and then whether to stop.
    await server.startup(sockets=[sock])
    try:
        yield address(sock)
    finally:
        # Not `shutdown` either: it waits for clients to finish.
        for listener in server.servers:
            listener.close()
        for connection in list(server.server_state.connections):
            connection.shutdown()
        for task in list(server.server_state.tasks):
            task.cancel()
        await asyncio.gather(*server.server_state.tasks, return_exceptions=True)


def listening(port: int = 0) -> socket.socket:
    """Returns a bound socket on 127.0.0.1: on a free port, or on the given one."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(("127.0.0.1", port))
    return sock


def address(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://{host}:{port}"
