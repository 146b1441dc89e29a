"""Server processes that can be ended in every way, and engines that consist of several."""

import asyncio
import shutil
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from pathlib import Path
from signal import Signals
from types import TracebackType
from typing import Self

from devkit.errors import StackError
from devkit.stack.ports import HOST, free_port
from devkit.stack.processes import POLL_S, Child

START_TIMEOUT_S = 90.0
"""Seconds within which a whole cluster must answer; a JVM is slow on a busy machine."""

PORT_ATTEMPTS = 3
"""How often an engine tries new ports: another process can take one before it is bound."""


async def wait_until(
    condition: Callable[[], Awaitable[bool]], what: str, nodes: Iterable["Node"]
) -> None:
    """Wait for the condition; a node that ends, or too long a wait, is a `StackError`."""
    watched = list(nodes)
    give_up = time.monotonic() + START_TIMEOUT_S
    while not await condition():
        for node in watched:
            if node.child is not None and not node.is_running:
                raise StackError(node.child.how_it_ended())
        if time.monotonic() > give_up:
            logs = ", ".join(str(node.log) for node in watched)
            raise StackError(f"{what} is not ready after {START_TIMEOUT_S:.0f} s (logs: {logs})")
        await asyncio.sleep(POLL_S)


class Node:
    """One server process that can be stopped, killed, frozen and started again."""

    def __init__(self, name: str, data_dir: Path) -> None:
        self.name = name
        self.data_dir = data_dir
        self.port = free_port()
        self.child: Child | None = None

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.data_dir.with_name(self.data_dir.name + ".log")

    @property
    def is_running(self) -> bool:
        return self.child is not None and self.child.is_running

    @property
    def pid(self) -> int:
        assert self.child is not None, f"{self.name} was not started"
        return self.child.pid

    def command(self) -> Sequence[str | Path]:
        raise NotImplementedError

    def environment(self) -> Mapping[str, str] | None:
        return None

    def launch(self) -> None:
        """Start its process, without waiting for anything."""
        assert not self.is_running, f"{self.name} is running"
        self.data_dir.mkdir(parents=True, exist_ok=True)
        self.child = Child(
            self.name,
            self.command(),
            log=self.log,
            env=self.environment(),
            cwd=self.data_dir,
            orphan_signal=Signals.SIGKILL,  # its data is a test's: nobody needs it after us
        ).start()

    def kill(self) -> None:
        """Kill it, as a crash would."""
        if self.child is not None:
            self.child.kill()

    def freeze(self) -> None:
        """Suspend it, its connections open, until `thaw`."""
        assert self.child is not None
        self.child.send(Signals.SIGSTOP)

    def thaw(self) -> None:
        assert self.child is not None
        self.child.send(Signals.SIGCONT)

    async def stop(self) -> None:
        """Stop it gracefully."""
        if self.child is not None:
            await self.child.stop()


class RealEngine:
    """An engine of one or more nodes: an async context manager that is ready when entered."""

    def __init__(self, data_dir: Path) -> None:
        self.data_dir = data_dir

    def all_nodes(self) -> Sequence[Node]:
        raise NotImplementedError

    async def _start(self) -> None:
        raise NotImplementedError

    def _use_other_ports(self) -> None:
        """Take new ports, and remove all data written so far."""
        for node in self.all_nodes():
            node.kill()
            shutil.rmtree(node.data_dir, ignore_errors=True)
            node.port = free_port()

    async def __aenter__(self) -> Self:
        self.data_dir.mkdir(parents=True, exist_ok=True)
        for attempt in range(PORT_ATTEMPTS):
            try:
                await self._start()
            except StackError as error:
                self.kill()
                in_use = "in use" in str(error) or "bind" in str(error).lower()
                if not in_use or attempt == PORT_ATTEMPTS - 1:
                    raise
                self._use_other_ports()
            except BaseException:
                self.kill()
                raise
            else:
                break
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()  # a test's engine: nobody needs the data that it would save when stopped

    def kill(self) -> None:
        for node in self.all_nodes():
            node.kill()
