"""Our commands and services, each run in a process of its own."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from devkit.stack.ports import free_port
from devkit.stack.processes import Child
from devkit.stack.state import StackState, find_stack
from support.issuer import Issuer
from support.projecting import RETENTION_DAYS
from support.topics import Topic
from support.waiting import until

OBZVON = str(Path(sys.executable).with_name("obzvon"))


@dataclass(frozen=True)
class CommandResult:
    """How a command ended and what it printed."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it printed on stderr, line by line."""
        return self.err.splitlines()


async def projector_command(
    topic: Topic, redis_url: str, *arguments: str, within_s: float = 60.0, **more: str
) -> CommandResult:
    """Run `python -m projector …` to its end. `more` are settings, without their OBZVON_."""
    settings = {
        "KAFKA_BOOTSTRAP_SERVERS": topic.bootstrap,
        "EVENTS_TOPIC": topic.events,
        "DEAD_LETTER_TOPIC": topic.dead_letters,
        "GROUP_ID": topic.events,
        "REDIS_URL": redis_url,
        "RETENTION_DAYS": str(RETENTION_DAYS),
        **more,
    }
    return await ended(
        sys.executable,
        *("-m", "projector", *arguments),
        env=clean_environment() | {f"OBZVON_{name}": value for name, value in settings.items()},
        within_s=within_s,
    )


@asynccontextmanager
async def api_process(
    issuer: Issuer, folder: Path, env: Mapping[str, str], *, token_s: float = 300
) -> AsyncIterator[tuple[Child, httpx.AsyncClient]]:
    """`python -m query_api` on a free port, and a client that may read everything for `token_s`.

    It may not listen yet.
    """
    port = free_port()
    process = Child(
        "query_api",
        [sys.executable, "-m", "query_api"],
        log=folder / "api.log",
        env={**env, "OBZVON_OIDC_ISSUER": issuer.url, "OBZVON_API_PORT": str(port)},
    )
    token = issuer.token("head", exp=int(time.time() + token_s))
    async with (
        process,
        httpx.AsyncClient(
            base_url=f"http://127.0.0.1:{port}",
            headers={"Authorization": f"Bearer {token}"},
            trust_env=False,
            timeout=10,
        ) as client,
    ):
        yield process, client


async def obzvon(
    *arguments: str | Path,
    stdin: bytes = b"",
    env: Mapping[str, str] | None = None,
    within_s: float = 60.0,
) -> CommandResult:
    """Run the command to its end, without a terminal."""
    return await ended(
        OBZVON,
        *map(str, arguments),
        stdin=stdin,
        env=clean_environment() | dict(env or {}),
        within_s=within_s,
    )


async def ended(
    *command: str, env: Mapping[str, str], stdin: bytes = b"", within_s: float = 60.0
) -> CommandResult:
    """Run a command to its end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=env,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(stdin), within_s)
    except BaseException:
        process.kill()
        raise
    assert process.returncode is not None
    return CommandResult(process.returncode, out.decode(), err.decode())


def clean_environment() -> dict[str, str]:
    """Returns our environment without OBZVON_… settings, wide enough that no table is cut."""
    ours = {name: value for name, value in os.environ.items() if not name.startswith("OBZVON_")}
    return {**ours, "COLUMNS": "160"}


@dataclass
class RunningStack:
    """A stack that runs in a process of its own."""

    child: Child
    state: StackState

    @property
    def data_dir(self) -> Path:
        return self.state.data_dir

    async def obzvon(self, *arguments: str | Path, stdin: bytes = b"") -> CommandResult:
        """Run a command against this stack."""
        command, *rest = arguments
        return await obzvon(command, "--data-dir", self.data_dir, *rest, stdin=stdin)

    async def stop(self, with_signal: signal.Signals = signal.SIGTERM) -> int:
        """Stop it and return its exit code."""
        self.child.send(with_signal)
        return await asyncio.wait_for(self.child.exited(), 30.0)


@asynccontextmanager
async def obzvon_up(
    data_dir: Path, *arguments: str, env: Mapping[str, str] | None = None
) -> AsyncIterator[RunningStack]:
    """`obzvon up` on free ports, ready."""
    log = data_dir.with_name(data_dir.name + "-up.log")
    free = ("--kafka-port", "0", "--redis-port", "0", "--api-port", "0")
    child = Child(
        "obzvon up",
        [OBZVON, "up", "--data-dir", data_dir, *free, *arguments],
        log=log,
        env=clean_environment() | dict(env or {}),
    )
    async with child:

        def is_up() -> bool:
            assert child.is_running, child.how_it_ended()
            return any("Obzvon is up" in line for line in child.last_lines())

        await until(is_up, within_s=60.0)
        yield RunningStack(child, find_stack(data_dir))
