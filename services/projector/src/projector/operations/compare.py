"""Compare two generations that are computed alike, each shard's values at equal offsets."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from contracts.keys import LivePointer, ShardKeys, date_of_rows
from contracts.meta import Meta
from projector.consumer.event_log import EventLog
from projector.operations.builder import Builder, CannotBuild, Say
from projector.store.generations import keys_of
from runtime.redis import RedisClient

DOCUMENTS: Final = 1_000
"""Documents compared in one go."""

HASHES: Final = 50
"""Other hashes compared in one go."""


class Comparison:
    """Compares `mine`, which is being built, with `live`."""

    def __init__(
        self,
        client: RedisClient,
        log: EventLog,
        builder: Builder,
        live: LivePointer,
        mine: LivePointer,
        say: Say,
    ) -> None:
        self._client = client
        self._log = log
        self._builder = builder
        self._live = live
        self._mine = mine
        self._say = say

    async def differences(self) -> list[str]:
        """Every difference between the two, each shard's values at equal offsets."""
        names: dict[int, set[str]] = {
            partition: set() for partition in range(self._mine.fingerprint.partitions)
        }
        for generation in (self._live.generation, self._mine.generation):
            async for key in keys_of(self._client, generation):
                shard, _, name = key.removeprefix(generation + ":{").partition("}:")
                names[int(shard)].add(name)
        differences = await asyncio.gather(*(self._compared(*one) for one in names.items()))
        return [difference for some in differences for difference in some]

    async def _compared(self, partition: int, names: set[str]) -> list[str]:
        try:
            some = await self._compare_shard(partition, names)
        except CannotBuild as error:
            some = [str(error)]
        self._say(f"shard {partition}: {len(some)} differences")
        return some

    async def _compare_shard(self, partition: int, names: set[str]) -> list[str]:
        old = ShardKeys(self._live.generation, partition)
        new = ShardKeys(self._mine.generation, partition)
        begin = (await self._log.extents([partition]))[partition].begin
        await self._builder.forget_old_documents(partition)
        plain = sorted(names - {"meta", "seqs", "docs"} - ({"dead"} if begin else set()))
        differences: list[str] = []
        for some in _chunks(plain, HASHES):
            differences += await self._compare_hashes(partition, some)
        fields = {*await self._client.hkeys(old.docs), *await self._client.hkeys(new.docs)}
        for some in _chunks(sorted(fields), DOCUMENTS):
            differences += await self._compare_documents(partition, some)
        return differences

    async def _compare_hashes(self, partition: int, names: list[str]) -> list[str]:
        theirs, mine, horizon = await self._at_one_offset(
            partition, lambda keys: [("hgetall", _key(keys, name)) for name in names]
        )
        prefix = f"shard {partition} "
        return [
            difference
            for name, one, other in zip(names, theirs, mine, strict=True)
            if (_date(name) or "9") >= horizon
            for difference in _differing(prefix + name, one, other)
        ]

    async def _compare_documents(self, partition: int, tasks: list[bytes]) -> list[str]:
        (theirs,), (mine,), horizon = await self._at_one_offset(
            partition, lambda keys: [("hmget", keys.docs, tasks)]
        )
        ones, others = {}, {}
        for task_id, one, other in zip(tasks, theirs, mine, strict=True):
            if None in (one, other) and (one or other or b"")[: len(horizon)].decode() < horizon:
                continue  # a task that is over for good; retention has taken one of the two
            ones[task_id], others[task_id] = one, other
        return _differing(f"shard {partition} docs", ones, others)

    async def _at_one_offset(
        self, partition: int, commands: Callable[[ShardKeys], list[tuple[Any, ...]]]
    ) -> tuple[list[Any], list[Any], str]:
        """Read from the live shard, bring ours to the same offset and read from it.

        What the two answered, and the later of their horizons.
        """
        old = ShardKeys(self._live.generation, partition)
        new = ShardKeys(self._mine.generation, partition)
        theirs, offset, horizon = await self._read(commands(old), old)
        await self._builder.carry(partition, offset)
        mine, _, ours = await self._read(commands(new), new)
        return theirs, mine, max(horizon, ours)

    async def _read(
        self, commands: list[tuple[Any, ...]], keys: ShardKeys
    ) -> tuple[list[Any], int, str]:
        pipeline = self._client.pipeline(transaction=True)
        for command, *arguments in commands:
            getattr(pipeline, command)(*arguments)
        pipeline.hgetall(keys.meta)
        *answers, fields = await pipeline.execute()
        meta = Meta.decode(fields)
        if meta is None or meta.offset < 0:
            raise CannotBuild(f"shard {keys.shard} of {keys.generation} has no position in Kafka")
        return answers, meta.offset, meta.horizon or ""


def _key(keys: ShardKeys, name: str) -> str:
    return keys.meta.removesuffix("meta") + name


def _date(name: str) -> str | None:
    """The contact date that a hash is of, if it is one of a date."""
    kind, _, rest = name.partition(":")
    match kind:
        case "cells" | "hours" | "open":
            return rest
        case "rows":
            return date_of_rows(rest)
        case _:
            return None


def _differing(key: str, theirs: Mapping[Any, Any], mine: Mapping[Any, Any]) -> list[str]:
    return [
        f"{key} {name.decode(errors='replace')}: live has {_shown(theirs.get(name))}, "
        f"rebuilt {_shown(mine.get(name))}"
        for name in sorted({*theirs, *mine})
        if theirs.get(name) != mine.get(name)
    ]


def _shown(value: bytes | None) -> str:
    return "nothing" if value is None else value.decode(errors="replace")


def _chunks(values: list[Any], size: int) -> Iterator[list[Any]]:
    for first in range(0, len(values), size):
        yield values[first : first + size]
