"""Connecting to Redis: a single server, a primary with replicas behind one name, or a cluster."""

import asyncio
import hashlib
from typing import Any, Final

from redis.asyncio import Redis
from redis.asyncio.cluster import RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import NoScriptError, RedisError

RedisClient = Any
"""`Redis | RedisCluster`: redis-py's stubs disagree about the commands both have."""

SCHEMES: Final = ("redis://", "rediss://", "redis+cluster://", "rediss+cluster://")

TIMEOUT_S: Final = 5.0
"""Seconds after which a command counts as lost."""

UNREACHABLE: Final = (RedisError, OSError, asyncio.TimeoutError)
"""What a Redis that is away, starting, failing over or resharding raises: try again later."""


def connect(url: str) -> RedisClient:
    """A client that connects when first used, and reads from primaries, as is redis-py's default.

    A replica may lag, and then a report would go back in time.
    """
    if "+cluster://" in url:
        return RedisCluster.from_url(
            url.replace("+cluster", "", 1),
            socket_timeout=TIMEOUT_S,
            socket_connect_timeout=TIMEOUT_S,
        )
    return Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
    )


class ReadScript:
    """A Lua script that only reads, run by its hash; sent whole where it is not known yet.

    All of its keys must be of one shard, and the first is given as a key: in a cluster it tells
    where to run. A script, not MULTI: redis-py's cluster client queues a transaction's commands
    from a thread with an event loop of its own, each.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, client: RedisClient, keys: list[str], args: list[str | int]) -> Any:
        try:
            return await client.execute_command("EVALSHA_RO", self._sha, len(keys), *keys, *args)
        except NoScriptError:
            return await client.execute_command("EVAL_RO", self._source, len(keys), *keys, *args)
