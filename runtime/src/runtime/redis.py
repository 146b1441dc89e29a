"""Connecting to Redis: a single server, a primary with replicas behind one name, or a cluster."""

import asyncio
import re
from time import monotonic
from typing import Any, Final, Self
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
    InvalidResponse,
    PubSubError,
    ReadOnlyError,
    RedisClusterException,
    ResponseError,
    TimeoutError,  # noqa: A004 -- redis-py's own, not the built-in
)

RedisClient = Any
"""`Redis | RedisCluster`: redis-py's stubs disagree about the commands both have."""

TIMEOUT_S: Final = 5.0
"""Seconds after which a command counts as lost. Whether the server has run it is then unknown."""

MOVING_S: Final = 3.0
"""Seconds to wait for a slot of a cluster that moves: most take less. Its keys can't be used."""

MOVING_PAUSE_S: Final = 0.05

RETRYABLE: Final = (
    ConnectionError,  # also: loading, no more connections, authentication
    TimeoutError,
    ResponseError,  # also: read-only, out of memory, no permission, a slot that moves
    ClusterError,
    RedisClusterException,
    InvalidResponse,
    PubSubError,
    OSError,  # also: the built-in TimeoutError
)
"""What a Redis raises that is away, starting, failing over, resharding, full, busy or without
permission: wait and try again. redis-py's other errors say that it was used wrongly."""


def connect(url: str, *, lifetime_s: float, is_packed: bool = False) -> RedisClient:
    """Returns a client for ``redis://``, ``rediss://``, ``redis+cluster://`` or ``rediss+cluster://``.

    It connects when it is first used. `lifetime_s` and `is_packed` are for a single server: see
    `use_primary_connections`. A cluster is never read from its replicas, which is redis-py's
    default: a replica may lag, and then a report would go back in time and an offset would not be
    the one that was written. Of a cluster several nodes may be named, HOST:PORT,HOST:PORT: one that
    answers is enough.
    """
    if "+cluster://" in url:
        first, others = cluster_nodes(url)
        return Cluster.from_url(
            first,
            startup_nodes=others,
            # Otherwise every fifth MOVED closes all connections, those in use too. A node that
            # leaves is found out by its lost connections.
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
    use_primary_connections(pool, lifetime_s=lifetime_s, is_packed=is_packed)
    return Redis.from_pool(pool)


# --- a primary behind a name ------------------------------------------------------------------


def use_primary_connections(
    pool: ConnectionPool, *, lifetime_s: float, is_packed: bool = False
) -> None:
    """Have a new pool follow the primary when its name leads to another server after a failover.

    Each connection is replaced after `lifetime_s` seconds. If `is_packed`, commands are packed in C.
    Connections to a socket of this machine stay redis-py's own.
    """
    if pool.connection_class is Connection:
        pool.connection_class = PackedConnection if is_packed else PrimaryConnection
    elif pool.connection_class is SSLConnection:
        pool.connection_class = PackedSSLConnection if is_packed else PrimarySSLConnection
    else:
        return
    pool.connection_kwargs["lifetime_s"] = lifetime_s


class _Primary(AbstractConnection):
    """Follows the primary when its name leads to another server after a failover.

    A primary that was demoted keeps its connections. So each is replaced from time to time, in case
    the old primary does not know of its demotion, and at once if it answers that it is read-only.
    """

    def __init__(self, *, lifetime_s: float, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._lifetime_s = lifetime_s
        self._connected_at = 0.0

    async def connect(self) -> None:
        """As redis-py's, which calls it before each use."""
        if self.is_connected and monotonic() - self._connected_at > self._lifetime_s:
            await self.disconnect()
        if not self.is_connected:
            self._connected_at = monotonic()
        await super().connect()  # type: ignore[no-untyped-call]

    async def read_response(self, *args: Any, **kwargs: Any) -> Any:
        try:
            return await super().read_response(*args, **kwargs)
        except ReadOnlyError as error:
            await self.disconnect(nowait=True)
            raise ConnectionError("it is a replica now") from error


class _Packed:
    """Packs commands in C.

    redis-py's asyncio connections pack in Python, and copy what they have packed so far for every
    argument: a third of the projector's time, with scripts of 4,000 values.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        command, *rest = args
        return [hiredis.pack_command((*command.split(), *rest))]  # "MEMORY USAGE" is two words


class PrimaryConnection(_Primary, Connection):
    pass


class PrimarySSLConnection(_Primary, SSLConnection):
    pass


class PackedConnection(_Packed, _Primary, Connection):
    pass


class PackedSSLConnection(_Packed, _Primary, SSLConnection):
    pass


# --- a cluster --------------------------------------------------------------------------------


class Cluster(RedisCluster):
    """redis-py's client, made to tolerate slots that move and nodes that change under commands.

    It overrides, each because redis-py 8 as it is fails there:

    - `initialize`: when all the nodes it has found are gone, it asks those that were named again.
    - `execute_command`: it waits for a slot that moves, and closed connections are a
      `ConnectionError`.
    - `_determine_slot`: it finds the slot of EVAL_RO and EVALSHA_RO by their keys.
    """

    async def initialize(self, *_: Any, **kwargs: Any) -> Self:
        named = [(node.host, int(node.port)) for node in self.startup_nodes]
        last_failed = kwargs.get("last_failed_node_name")
        await super().initialize(named, last_failed_node_name=last_failed)
        return self

    async def execute_command(self, *args: Any, **kwargs: Any) -> Any:
        """As redis-py's; waits up to `MOVING_S` for a slot that is on its way to another node."""
        gives_up = monotonic() + MOVING_S
        while True:
            try:
                return await super().execute_command(*args, **kwargs)
            except ClusterError as error:
                # redis-py gave up following redirections: it sends ASKING on one connection of
                # its pool and the command on another.
                if type(error) is not ClusterError or monotonic() > gives_up:
                    raise
            except (AttributeError, RuntimeError) as error:
                # When a cluster is down, redis-py closes all connections, those in use too.
                raise ConnectionError("closed while it was used") from error
            await asyncio.sleep(MOVING_PAUSE_S)

    async def _determine_slot(self, command: str, *args: Any) -> int:
        """As redis-py's, which for these two asks the node it began with: that may be dead."""
        known = {"EVAL_RO": "EVAL", "EVALSHA_RO": "EVALSHA"}
        return await super()._determine_slot(known.get(command, command), *args)


def cluster_nodes(url: str) -> tuple[str, list[ClusterNode]]:
    """Returns a cluster's URL as redis-py takes it, with the first node alone, and the other nodes."""
    scheme, _, rest = url.replace("+cluster", "", 1).partition("://")
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    _, _, hosts = authority.rpartition("@")
    first, *others = hosts.split(",")
    nodes = [urlsplit(f"//{one}") for one in others]
    one = f"{scheme}://{rest.replace(hosts, first, 1)}" if others else f"{scheme}://{rest}"
    return one, [ClusterNode(node.hostname or "", node.port or 6379) for node in nodes]
