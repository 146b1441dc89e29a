"""Connecting to Redis: a single server, a primary with replicas behind one name, or a cluster."""

import asyncio
import re
import time
from typing import Any, Self
from urllib.parse import urlsplit

import hiredis
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.connection import AbstractConnection, Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterError,
    ConnectionError,  # noqa: A004 -- redis-py's own, not the built-in
    ReadOnlyError,
)

RedisClient = Any
"""`Redis | RedisCluster`: redis-py's stubs disagree about the commands both have."""

CLUSTER_SCHEMES = ("redis+cluster://", "rediss+cluster://")

TIMEOUT_S = 5.0
"""Seconds after which a command counts as lost. Its outcome is then unknown: see `Shard`."""

CONNECTION_S = 60.0
"""Seconds after which a connection is made anew. READONLY does so at once; this is for an old primary
that does not know that it is one no longer. Every 10 s would cost 45 MiB, of buffers let go."""

MOVING_S = 3.0
"""Seconds to wait for a slot of a cluster that moves: most take less. Its keys can't be used."""

MOVING_PAUSE_S = 0.05


class _Packed:
    """Packs commands in C.

    redis-py's asyncio connections pack in Python, and copy what they have packed so far for every
    argument: a third of the projector's time, with scripts of 4,000 values.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        command, *rest = args
        return [hiredis.pack_command((*command.split(), *rest))]  # "MEMORY USAGE" is two words


class _Primary(AbstractConnection):
    """Stays with the primary, where its name leads to another server after a failover.

    A primary that was demoted keeps its connections. So each is made anew from time to time, and
    at once if it answers that it may only be read.
    """

    _since = 0.0

    async def connect(self) -> None:
        """As redis-py's, which calls it before each use."""
        if self.is_connected and time.monotonic() - self._since > CONNECTION_S:
            await self.disconnect()
        if not self.is_connected:
            self._since = time.monotonic()
        await super().connect()  # type: ignore[no-untyped-call]

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().read_response(*args, **kwargs)
        except ReadOnlyError as error:
            await self.disconnect(nowait=True)
            raise ConnectionError("it is a replica now") from error


class PackedConnection(_Packed, _Primary, Connection):
    pass


class PackedSSLConnection(_Packed, _Primary, SSLConnection):
    pass


class Cluster(RedisCluster):
    """redis-py's client, made to bear that slots move and nodes change under commands."""

    async def initialize(self, *_: Any, **kwargs: Any) -> Self:
        """As redis-py's; asks those that were named once more where all it has found are gone."""
        named = [(node.host, int(node.port)) for node in self.startup_nodes]
        last_failed = kwargs.get("last_failed_node_name")
        await super().initialize(named, last_failed_node_name=last_failed)
        return self

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """As redis-py's; waits up to `MOVING_S` for a slot that is on its way to another node."""
        gives_up = time.monotonic() + MOVING_S
        while True:
            try:
                return await super().execute_command(*args, **kwargs)
            except ClusterError as error:
                # redis-py gave up to follow redirections: it sends ASKING on one connection of
                # its pool and the command on another.
                if type(error) is not ClusterError or time.monotonic() > gives_up:
                    raise
            except (AttributeError, RuntimeError) as error:
                # Of a cluster that is down it closes all connections, those in use too.
                raise ConnectionError("closed while it was used") from error
            await asyncio.sleep(MOVING_PAUSE_S)


def connect(url: str) -> RedisClient:
    """A client for ``redis://``, ``rediss://``, ``redis+cluster://`` or ``rediss+cluster://``.

    It connects when first used. Offsets must be read where they are written, so a cluster is
    never read from its replicas; that is redis-py's default. Of a cluster several nodes may be
    named, HOST:PORT,HOST:PORT: one that answers is enough.
    """
    if url.startswith(CLUSTER_SCHEMES):
        first, others = cluster_nodes(url)
        return Cluster.from_url(
            first,
            startup_nodes=others,
            # Else every fifth MOVED closes all connections, those in use too. A node that leaves
            # is found out by its lost connections.
            reinitialize_steps=0,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
    pool = ConnectionPool.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
    )
    is_tls = url.startswith("rediss://")
    pool.connection_class = PackedSSLConnection if is_tls else PackedConnection
    return Redis.from_pool(pool)


def cluster_nodes(url: str) -> tuple[str, list[ClusterNode]]:
    """A cluster's URL as redis-py takes it, with the first node alone, and the other nodes."""
    scheme, _, rest = url.replace("+cluster", "", 1).partition("://")
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    _, _, hosts = authority.rpartition("@")
    first, *others = hosts.split(",")
    nodes = [urlsplit(f"//{one}") for one in others]
    one = f"{scheme}://{rest.replace(hosts, first, 1)}" if others else f"{scheme}://{rest}"
    return one, [ClusterNode(node.hostname or "", node.port or 6379) for node in nodes]
