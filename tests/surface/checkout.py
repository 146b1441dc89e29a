"""A checkout of the repository whose commands are run."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Ran:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Checkout:
    """A checkout with its own .venv; `make setup` makes it."""

    path: Path

    def run(self, *command: str | Path, env: Mapping[str, str] | None = None) -> Ran:
        """Run a program of its .venv to the end; no OBZVON_ setting but those of `env` is set."""
        program, *arguments = command
        done = subprocess.run(
            [self.path / ".venv" / "bin" / program, *arguments],
            cwd=self.path,
            env=clean_environment(env),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return Ran(done.returncode, done.stdout, done.stderr)

    def printed(self, *command: str | Path) -> str:
        """What a command that must succeed prints."""
        ran = self.run(*command)
        if ran.code:
            raise RuntimeError(f"{' '.join(map(str, command))}: exit code {ran.code}\n{ran.err}")
        return ran.out

    def asked(self, program: str) -> Any:
        """What a Python program prints as JSON."""
        return json.loads(self.printed("python", "-c", program))

    def sources(self) -> list[Path]:
        """Every Python module that is installed from it."""
        return sorted(
            path
            for root in ("contracts/src", "runtime/src", "services", "devkit/src")
            for path in (self.path / root).rglob("*.py")
            if "node_modules" not in path.parts
        )


def clean_environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """Ours without any OBZVON_ setting, and with a width that cuts no table."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OBZVON_")}
    ours.pop("PYTHONPATH", None)
    return {**ours, "COLUMNS": "120", "TERM": "dumb", "NO_COLOR": "1", **(more or {})}
