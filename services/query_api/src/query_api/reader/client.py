"""Connecting to Redis: a single server, a primary with replicas behind one name, or a cluster."""

import asyncio
import hashlib
import re
import time
from collections.abc import Sequence
from typing import Any, Final, Self
from urllib.parse import urlsplit

from redis.asyncio import Redis
from redis.asyncio.cluster import ClusterNode, RedisCluster
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ClusterError,
    ConnectionError,  # noqa: A004 -- redis-py's own, not the built-in
    NoScriptError,
    RedisClusterException,
    RedisError,
)

from query_api.connections import stay_with_the_primary

RedisClient = Any
"""`Redis | RedisCluster`: redis-py's stubs disagree about the commands both have."""

SCHEMES: Final = ("redis://", "rediss://", "redis+cluster://", "rediss+cluster://")

TIMEOUT_S: Final = 5.0
"""Seconds after which a command counts as lost."""

MOVING_S: Final = 3.0
"""Seconds to wait for a slot of a cluster that moves: most take less. Its keys can't be used."""

MOVING_PAUSE_S: Final = 0.05

UNREACHABLE: Final = (RedisError, RedisClusterException, OSError, asyncio.TimeoutError)
"""What a Redis that is away, starting, failing over or resharding raises: try again later."""


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

    async def _determine_slot(self, command: str, *args: Any) -> int:
        """As redis-py's, which for these two asks the node it began with: that may be dead."""
        known = {"EVAL_RO": "EVAL", "EVALSHA_RO": "EVALSHA"}
        return await super()._determine_slot(known.get(command, command), *args)


def connect(url: str) -> RedisClient:
    """A client that connects when first used, and reads from primaries, as is redis-py's default.

    A replica may lag, and then a report would go back in time. Of a cluster several nodes may be
    named, HOST:PORT,HOST:PORT: one that answers is enough.
    """
    if "+cluster://" in url:
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
    client = Redis.from_url(
        url,
        socket_timeout=TIMEOUT_S,
        socket_connect_timeout=TIMEOUT_S,
        retry=Retry(NoBackoff(), 1),
    )
    stay_with_the_primary(client.connection_pool)
    return client


def cluster_nodes(url: str) -> tuple[str, list[ClusterNode]]:
    """A cluster's URL as redis-py takes it, with the first node alone, and the other nodes."""
    scheme, _, rest = url.replace("+cluster", "", 1).partition("://")
    authority = re.split("[/?]", rest, maxsplit=1)[0]
    _, _, hosts = authority.rpartition("@")
    first, *others = hosts.split(",")
    nodes = [urlsplit(f"//{one}") for one in others]
    one = f"{scheme}://{rest.replace(hosts, first, 1)}" if others else f"{scheme}://{rest}"
    return one, [ClusterNode(node.hostname or "", node.port or 6379) for node in nodes]


Call = tuple[list[str], list[str | int]]
"""Keys and arguments of one run of a script."""


class ReadScript:
    """A Lua script that only reads, run by its hash; sent whole where it is not known yet.

    All of its keys must be of one shard: in a cluster they tell where to run. One that reads keys
    which it has not declared declares `ShardKeys.none`, so that it never reads half a shard on
    either end of a moving slot.

    A script, not MULTI: redis-py's cluster client queues a transaction's commands from a thread
    with an event loop of its own, each.
    """

    def __init__(self, source: str) -> None:
        self._source = source
        self._sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, client: RedisClient, keys: list[str], args: list[str | int]) -> Any:
        try:
            return await client.execute_command("EVALSHA_RO", self._sha, len(keys), *keys, *args)
        except NoScriptError:
            return await client.execute_command("EVAL_RO", self._source, len(keys), *keys, *args)

    async def run_all(
        self, client: RedisClient, calls: Sequence[Call], last: str | None = None
    ) -> list[Any]:
        """The answers to all calls, and the value of the key `last`, if given, read after them.

        On a single server all go in one round trip; every turn of the event loop that is saved
        is one less wait for a busy processor.
        """
        if isinstance(client, RedisCluster):
            return await self._one_by_one(client, calls, last)
        pipeline = client.pipeline(transaction=False)
        for keys, args in calls:
            pipeline.execute_command("EVALSHA_RO", self._sha, len(keys), *keys, *args)
        if last is not None:
            pipeline.get(last)
        replies: list[Any] = await pipeline.execute(raise_on_error=False)
        if any(isinstance(reply, NoScriptError) for reply in replies):
            return await self._one_by_one(client, calls, last)
        for reply in replies:
            if isinstance(reply, Exception):
                raise reply
        return replies

    async def _one_by_one(
        self, client: RedisClient, calls: Sequence[Call], last: str | None
    ) -> list[Any]:
        answers = await asyncio.gather(*(self.run(client, keys, args) for keys, args in calls))
        return answers if last is None else [*answers, await client.get(last)]
