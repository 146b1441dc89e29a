"""Redis alone, and as a primary with its replica."""

import asyncio
import hashlib
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import redis.asyncio

from devkit.errors import StackError
from devkit.real_engines.certificates import make_certificates
from devkit.real_engines.node import Node, RealEngine, wait_until
from devkit.stack.engines import redis_answers
from devkit.stack.ports import HOST, free_port, port_answers


def find_redis_server() -> Path:
    """Returns the redis-server in the PATH."""
    found = shutil.which("redis-server")
    if found is None:
        raise StackError("redis-server is missing: install it (apt-get install redis-server)")
    return Path(found)


def redis_version() -> str:
    """Returns the version of the redis-server in the PATH, as in `Redis server v=7.0.15`."""
    command = [str(find_redis_server()), "--version"]
    output = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603 - our own command line
    return output.stdout.partition(" sha=")[0]


class RedisNode(Node):
    """A redis-server or valkey-server that never evicts and stores nothing on disk."""

    def __init__(
        self, name: str, data_dir: Path, binary: Path, options: Sequence[str | Path] = ()
    ) -> None:
        super().__init__(name, data_dir)
        self.binary = binary
        self.options = list(options)
        self.answering_url: str | None = None
        """The URL at which it answers PING, if that is not `url`."""

    @property
    def url(self) -> str:
        return f"redis://{self.address}/0"

    def command(self) -> Sequence[str | Path]:
        return [
            self.binary,
            *("--port", str(self.port), "--bind", HOST, "--dir", self.data_dir),
            *("--maxmemory-policy", "noeviction", "--save", "", "--appendonly", "no"),
            # The default waits 5 s for more replicas before it sends the first one anything.
            *("--repl-diskless-sync-delay", "0", "--daemonize", "no"),
            *self.options,
        ]

    def client(self) -> "redis.asyncio.Redis":
        return redis.asyncio.Redis(host=HOST, port=self.port, decode_responses=True)

    async def ask(self, *words: str | int) -> Any:
        client = self.client()
        try:
            return await client.execute_command(*words)  # type: ignore[no-untyped-call]
        finally:
            await client.aclose()

    async def answers(self) -> bool:
        return await port_answers(self.port) and await redis_answers(self.answering_url or self.url)

    async def start(self) -> None:
        """Start it, for the first time or again, and wait until it answers."""
        self.launch()
        await wait_until(self.answers, self.name, [self])


class RealRedis(RealEngine):
    """One redis-server; if `secure`, it accepts only TLS and only its user."""

    user, password = "obzvon", "a secret / of: the test@"

    def __init__(self, data_dir: Path, *, binary: Path | None = None, secure: bool = False) -> None:
        super().__init__(data_dir)
        self.certificates = make_certificates(data_dir / "certificates") if secure else None
        self.node = RedisNode("Redis", data_dir / "redis", binary or find_redis_server())

    @property
    def url(self) -> str:
        if self.certificates is None:
            return self.node.url
        return (
            f"rediss://{self.user}:{quote(self.password, safe='')}@{self.node.address}/0"
            f"?ssl_ca_certs={quote(str(self.certificates.authority), safe='/')}"
        )

    def all_nodes(self) -> Sequence[Node]:
        return [self.node]

    async def _start(self) -> None:
        if self.certificates is not None:
            self.node.options = [
                *("--port", "0", "--tls-port", str(self.node.port), "--tls-auth-clients", "no"),
                *("--tls-cert-file", self.certificates.certificate),
                *("--tls-key-file", self.certificates.key),
                *("--tls-ca-cert-file", self.certificates.authority),
                *("--aclfile", self._write_users()),
            ]
            self.node.answering_url = self.url
        await self.node.start()

    def _write_users(self) -> Path:
        digest = hashlib.sha256(self.password.encode()).hexdigest()
        path = self.data_dir / "users.acl"
        path.write_text(f"user default off\nuser {self.user} on #{digest} ~* &* +@all\n")
        return path


class RedisPair(RealEngine):
    """A primary and its replica. Clients do not find the primary by themselves."""

    def __init__(self, data_dir: Path, *, binary: Path | None = None) -> None:
        super().__init__(data_dir)
        binary = binary or find_redis_server()
        self.primary = RedisNode("Redis primary", data_dir / "primary", binary)
        self.replica = RedisNode("Redis replica", data_dir / "replica", binary)

    @property
    def url(self) -> str:
        return self.primary.url

    def all_nodes(self) -> Sequence[Node]:
        return [self.primary, self.replica]

    async def _start(self) -> None:
        await asyncio.gather(self.primary.start(), self.replica.start())
        await self.replica.ask("REPLICAOF", HOST, self.primary.port)
        await self.replicating()

    async def replicating(self) -> None:
        """Wait until the replica has everything that the primary has now."""

        async def caught_up() -> bool:
            replica = await replication(self.replica)
            if replica.get("master_link_status") != "up":
                return False
            offset = (await replication(self.primary)).get("master_repl_offset", 0)
            return int(replica.get("slave_repl_offset", -1)) >= int(offset)

        await wait_until(caught_up, "the replica", self.all_nodes())

    async def cut_off(self) -> None:
        """Cut the replica off: it keeps its data and gets no more."""
        await self.replica.ask("REPLICAOF", HOST, free_port())

    async def promote(self) -> None:
        """Make the replica the primary, with the data it has; the two swap names."""
        await self.replica.ask("REPLICAOF", "NO", "ONE")
        self.primary, self.replica = self.replica, self.primary


async def replication(node: RedisNode) -> dict[str, str | int]:
    client = node.client()
    try:
        return dict(await client.info("replication"))
    finally:
        await client.aclose()
