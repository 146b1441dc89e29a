"""Connecting to Redis: a single server, a primary with replicas behind one name, or a cluster."""

from typing import Any

import hiredis
from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

RedisClient = Any
"""`Redis | RedisCluster`: redis-py's stubs disagree about the commands both have."""

CLUSTER_SCHEMES = ("redis+cluster://", "rediss+cluster://")

TIMEOUT_S = 5.0
"""Seconds after which a command counts as lost. Its outcome is then unknown: see `Shard`."""


class _Packed:
    """Packs commands in C.

    redis-py's asyncio connections pack in Python, and copy what they have packed so far for every
    argument: a third of the projector's time, with scripts of 4,000 values.
    """

    def pack_command(self, *args: Any) -> list[bytes]:
        command, *rest = args
        return [hiredis.pack_command((*command.split(), *rest))]  # "MEMORY USAGE" is two words


class PackedConnection(_Packed, Connection):
    pass


class PackedSSLConnection(_Packed, SSLConnection):
    pass


def connect(url: str) -> RedisClient:
    """A client for ``redis://``, ``rediss://``, ``redis+cluster://`` or ``rediss+cluster://``.

    It connects when first used. Offsets must be read where they are written, so a cluster is
    never read from its replicas.
    """
    if url.startswith(CLUSTER_SCHEMES):
        return RedisCluster.from_url(
            url.replace("+cluster", "", 1),
            read_from_replicas=False,
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
