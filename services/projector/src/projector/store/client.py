"""Connecting to Redis: a single server, a primary with replicas behind one name, or a cluster."""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

RedisClient = Any
"""`Redis | RedisCluster`: redis-py's stubs disagree about the commands both have."""

CLUSTER_SCHEME = "redis+cluster://"
CLUSTER_TLS_SCHEME = "rediss+cluster://"

TIMEOUT_S = 5.0
"""Seconds after which a command counts as lost. Its outcome is then unknown: see `Shard`."""


def connect(url: str) -> RedisClient:
    """A client for ``redis://``, ``rediss://``, ``redis+cluster://`` or ``rediss+cluster://``.

    It connects when first used. Offsets must be read where they are written, so a cluster is
    never read from its replicas.
    """
    if url.startswith((CLUSTER_SCHEME, CLUSTER_TLS_SCHEME)):
        plain = url.replace("+cluster", "", 1)
        return RedisCluster.from_url(
            plain,
            read_from_replicas=False,
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
    )
