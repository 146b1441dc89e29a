"""Reading lines of a file, or of a pipe as they arrive."""

import asyncio
import os
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from devkit.errors import StackError

_CHUNK = 256 * 1024
"""Bytes read from a file or pipe at once."""


@dataclass(frozen=True)
class Line:
    """A line of input, and its place."""

    name: str
    number: int
    text: bytes

    @property
    def place(self) -> str:
        return f"{self.name}:{self.number}"


@asynccontextmanager
async def open_input(path: str) -> AsyncIterator["Input"]:
    """Open the file, or standard input for ``-``."""
    if path == "-":
        yield Input("stdin", 0)
        return
    try:
        descriptor = os.open(Path(path), os.O_RDONLY)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise IsADirectoryError(21, "Is a directory")
    except OSError as error:
        raise StackError(f"{path} cannot be read: {error.strerror}") from error
    try:
        yield Input(path, descriptor)
    finally:
        os.close(descriptor)


@dataclass
class Input:
    """The lines of a file, or of a pipe as they arrive."""

    name: str
    descriptor: int
    size: int = field(init=False)
    """Bytes in all; 0 if that is unknown."""
    read: int = 0

    def __post_init__(self) -> None:
        status = os.fstat(self.descriptor)
        self._is_file = stat.S_ISREG(status.st_mode)
        self.size = status.st_size if self._is_file else 0

    async def lines(self) -> AsyncIterator[Line]:
        """Yield every line that is not blank; waiting for a pipe does not block the event loop."""
        number, rest = 0, b""
        while chunk := await self._chunk():
            self.read += len(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            for text in whole:
                number += 1
                if stripped := text.strip():
                    yield Line(self.name, number, stripped)
        if stripped := rest.strip():
            yield Line(self.name, number + 1, stripped)

    async def _chunk(self) -> bytes:
        if not self._is_file:
            loop = asyncio.get_running_loop()
            readable = asyncio.Event()
            try:
                loop.add_reader(self.descriptor, readable.set)
            except PermissionError:  # /dev/null and similar files are always readable
                return os.read(self.descriptor, _CHUNK)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(self.descriptor)
        return os.read(self.descriptor, _CHUNK)
