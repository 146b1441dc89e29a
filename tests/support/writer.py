"""Stands in for the projector in tests of the API: writes events through the projector's own store."""

import time
import zlib
from collections.abc import Iterable
from typing import Any

from contracts.keys import LIVE, Fingerprint, LivePointer, ShardKeys
from projector.fold.calendar import Calendar
from projector.fold.facts import Fact, fact_of_event
from projector.fold.version import FOLD_VERSION
from projector.store.position import Position
from projector.store.shard import ClaimedShard, Shard
from runtime.redis import RedisClient

NO_HORIZON = "0000-00-00"


class Writer:
    """Owns every shard of a generation. Freshness is only what `sample` says."""

    def __init__(
        self,
        client: RedisClient,
        *,
        partitions: int = 4,
        timezone: str = "Europe/Moscow",
        day_end: str = "24:00",
        generation: str = "g1",
    ) -> None:
        self.client = client
        self.generation = generation
        self.fingerprint = Fingerprint(
            fold=FOLD_VERSION,
            timezone=timezone,
            day_end=day_end,
            retention_days=92,
            topic="task-events",
            partitions=partitions,
        )
        self.calendar = Calendar.of(timezone, day_end)
        self.shards: list[ClaimedShard] = []

    async def claim(self) -> None:
        """Claim the shards as they are in Redis."""
        keys = [ShardKeys(self.generation, n) for n in range(self.fingerprint.partitions)]
        self.shards = [
            await Shard(self.client, one, self.fingerprint, self.calendar).claim("live", NO_HORIZON)
            for one in keys
        ]
        for shard in self.shards:
            if shard.position.offset < 0:
                await shard.start_at(0, None)

    async def start(self) -> "Writer":
        """Claim the shards, mark them as up to date, and make the generation live."""
        await self.claim()
        await self.sample()
        await self.go_live()
        return self

    async def go_live(self) -> None:
        pointer = LivePointer(generation=self.generation, fingerprint=self.fingerprint)
        await self.client.set(LIVE, pointer.model_dump_json())

    async def write(self, events: Iterable[dict[str, Any]]) -> None:
        """Fold the events into their shards, one batch for each."""
        batches: dict[int, dict[str, list[Fact]]] = {}
        for event in events:
            number = zlib.crc32(event["subject"].encode()) % len(self.shards)
            facts = batches.setdefault(number, {}).setdefault(event["subject"], [])
            facts.append(fact_of_event(event))
        for number, batch in batches.items():
            shard = self.shards[number]
            prepared = await shard.prepare(batch)
            offset = shard.position.offset + sum(map(len, batch.values()))
            now = int(time.time() * 1000)
            await shard.commit(prepared, Position(offset, offset - 1, now))

    async def sample(self, *, age_s: float = 0, behind: int = 0) -> None:
        """Record for every shard that it was read to its end `age_s` seconds ago."""
        as_of = int((time.time() - age_s) * 1000)
        for shard in self.shards:
            end = max(0, shard.position.offset) + behind
            await shard.note({"as_of": as_of, "end_offset": end})
