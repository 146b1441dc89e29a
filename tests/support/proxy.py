"""A TCP address that stays the same while its target changes or is cut off."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

CHUNK = 64 * 1024

HOST = "127.0.0.1"


class Proxy:
    """Passes bytes on between its own port and a target's.

    `switch` breaks every connection and sends new ones to another target, as a failover with a
    moved address does; `point` does not break them, as a name does that leads elsewhere; `cut` refuses them all; `hang` keeps connections open and passes nothing,
    as a network does that loses packets.
    """

    def __init__(self, target_port: int) -> None:
        self.target_port: int | None = target_port
        self.port = 0
        self.connections = 0
        self._passing = asyncio.Event()
        self._passing.set()
        self._open: set[asyncio.Task[None]] = set()

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    def switch(self, target_port: int) -> None:
        self.target_port = target_port
        self._break()

    def point(self, target_port: int) -> None:
        self.target_port = target_port

    def cut(self) -> None:
        self.target_port = None
        self._break()

    def hang(self) -> None:
        self._passing.clear()

    def go_on(self) -> None:
        self._passing.set()

    def _break(self) -> None:
        for task in self._open:
            task.cancel()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._open.add(task)
        self.connections += 1
        behind: asyncio.StreamWriter | None = None
        try:
            if self.target_port is not None:
                source, behind = await asyncio.open_connection(HOST, self.target_port)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass(reader, behind))
                    both.create_task(self._pass(source, writer))
        except (asyncio.CancelledError, ExceptionGroup, OSError):
            pass  # a broken connection is what a proxy is for
        finally:
            self._open.discard(task)
            for end in (behind, writer):
                if end is not None:
                    end.transport.abort()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(CHUNK):
            await self._passing.wait()
            writer.write(chunk)
            await writer.drain()
        raise ConnectionResetError  # one end has closed, so close the other


@asynccontextmanager
async def proxy(target_port: int) -> AsyncIterator[Proxy]:
    """A proxy on a free port, to a port of this machine."""
    made = Proxy(target_port)
    server = await asyncio.start_server(made.serve, HOST, 0)
    made.port = server.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        server.close()
        made.cut()
        with suppress(TimeoutError):
            await asyncio.wait_for(server.wait_closed(), 5.0)
