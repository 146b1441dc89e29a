"""How the API connects to its Redis servers."""

from typing import Final

from redis.asyncio import ConnectionPool

import runtime.redis
from runtime.redis import RedisClient

CONNECTION_S: Final = 10.0
"""Seconds after which a connection is replaced: its name may lead to another server by then."""


def connect(url: str) -> RedisClient:
    """Returns a client for the Redis of the report."""
    return runtime.redis.connect(url, lifetime_s=CONNECTION_S)


def use_primary_connections(pool: ConnectionPool) -> None:
    """Have a new pool follow the primary when its name leads to another server."""
    runtime.redis.use_primary_connections(pool, lifetime_s=CONNECTION_S)
