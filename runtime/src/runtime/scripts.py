"""Lua scripts, run by their hash and sent whole when the server does not know them."""

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar

from redis.asyncio.cluster import RedisCluster
from redis.exceptions import NoScriptError

from runtime.redis import RedisClient

Call = tuple[list[str], list[str | int]]
"""Keys and arguments of one run of a script."""


class Script:
    """A script that may write. In a cluster its keys, all of one slot, tell where it runs."""

    _EVALSHA: ClassVar[str] = "EVALSHA"
    _EVAL: ClassVar[str] = "EVAL"

    def __init__(self, source: str) -> None:
        self.source = source
        self._sha = hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest()

    async def run(self, client: RedisClient, keys: list[str], args: list[Any]) -> Any:
        """Returns the script's answer."""
        try:
            return await client.execute_command(self._EVALSHA, self._sha, len(keys), *keys, *args)
        except NoScriptError:
            return await client.execute_command(self._EVAL, self.source, len(keys), *keys, *args)


class ReadScript(Script):
    """A script that only reads.

    One that reads keys which it has not declared must declare a key of their slot that never
    exists, so that it never reads half of what is there on either end of a moving slot.

    A script, not MULTI: redis-py's cluster client queues each of a transaction's commands from a
    thread with an event loop of its own.
    """

    _EVALSHA = "EVALSHA_RO"
    _EVAL = "EVAL_RO"

    async def run_all(
        self, client: RedisClient, calls: Sequence[Call], last: str | None = None
    ) -> list[Any]:
        """Returns the answers to all calls, and the value of the key `last`, if given, read after them.

        On a single server all go in one round trip; every turn of the event loop that is saved
        is one less wait for a busy processor.
        """
        if isinstance(client, RedisCluster):
            return await self._one_by_one(client, calls, last)
        pipeline = client.pipeline(transaction=False)
        for keys, args in calls:
            pipeline.execute_command(self._EVALSHA, self._sha, len(keys), *keys, *args)
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
