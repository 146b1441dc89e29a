"""How the projector connects to Redis."""

import runtime.redis
from runtime.redis import RedisClient

CONNECTION_S = 60.0
"""Seconds after which a connection is replaced. READONLY does so at once; this is for an old primary
that does not know of its demotion. Every 10 s would cost 45 MiB, of buffers let go."""


def connect(url: str) -> RedisClient:
    """Returns a client for the Redis of the report; it packs commands in C."""
    return runtime.redis.connect(url, lifetime_s=CONNECTION_S, is_packed=True)
