"""What a Redis is asked while it is watched: names of commands, and scripts as they are loaded."""

import ast
import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from urllib.parse import urlsplit

_WORD = re.compile(rb'"(?:[^"\\]|\\.)*"')


@dataclass
class Commands:
    """What was seen so far."""

    names: set[str] = field(default_factory=set)
    scripts: set[str] = field(default_factory=set)
    """Sources of loaded scripts, without comments and blank lines."""

    def take(self, line: bytes) -> None:
        """Take in one line of MONITOR; what a script itself calls does not count."""
        if b" lua]" in line[:40]:
            return
        words = _WORD.findall(line)
        if not words:
            return
        name = _text(words[0]).upper()
        self.names.add(name)
        if name == "SCRIPT" and len(words) > 2 and _text(words[1]).upper() == "LOAD":
            self.scripts.add(_code(_text(words[2])))
        elif name == "EVAL":
            self.scripts.add(_code(_text(words[1])))


def _text(word: bytes) -> str:
    value: bytes = ast.literal_eval("b" + word.decode("ascii"))
    return value.decode(errors="replace")


def _code(script: str) -> str:
    lines = (re.sub(r"\s*--.*$", "", line) for line in script.splitlines())
    return "\n".join(line for line in lines if line.strip())


@contextmanager
def watched(url: str) -> Iterator[Commands]:
    """Watch all commands of a Redis while the context lasts."""
    parts = urlsplit(url)
    commands = Commands()
    with socket.create_connection((parts.hostname, parts.port)) as connection:
        connection.sendall(b"MONITOR\r\n")
        lines = connection.makefile("rb")
        lines.readline()  # +OK

        def follow() -> None:
            for line in lines:
                commands.take(line)

        thread = Thread(target=follow, daemon=True)
        thread.start()
        try:
            yield commands
        finally:
            connection.shutdown(socket.SHUT_RDWR)
            thread.join(5)
