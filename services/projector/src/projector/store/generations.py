"""The generations: which one is live, which are being built alongside it, which are to be dropped.

One pointer says which is live; moving it is one atomic compare-and-set. The rest (which replaces
whom, what is retired since when) is a note in `GENERATIONS` that a crash may leave half written:
`drop_retired` finishes it, whoever calls it and however often.
"""

import time
from collections.abc import AsyncIterator
from typing import Final, Literal

from pydantic import BaseModel, ConfigDict

from contracts.keys import (
    ACCEPTED,
    GENERATIONS,
    LIVE,
    Fingerprint,
    LivePointer,
    ShardKeys,
    accepted_field,
)
from contracts.meta import Meta
from runtime.redis import RedisClient
from runtime.scripts import Script

FIRST = "g1"

KEPT_S: Final = 60.0
"""Seconds a retired generation is kept: readers may be in the middle of it."""

DROPPED_AT_ONCE = 500
"""Keys removed by one command."""

_BUILDING = Script(
    """
local newest = tonumber(ARGV[2])
local entries = redis.call('HGETALL', KEYS[1])
for i = 1, #entries, 2 do
  local entry = cjson.decode(entries[i + 1])
  if entry.status == 'building' and entry.fingerprint_json == ARGV[1] then return entries[i] end
  newest = math.max(newest, tonumber(string.match(entries[i], '%d+')) or 0)
end
local name = 'g' .. string.format('%d', newest + 1)
redis.call('HSET', KEYS[1], name, ARGV[3])
return name
"""
)

_SWITCH = Script(
    """
local held = redis.call('GET', KEYS[1])
if not held or cjson.decode(held).generation ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2])
return 1
"""
)

_RETIRE = Script(
    """
if redis.call('EXISTS', KEYS[1]) == 0 then return 0 end
redis.call('HSET', KEYS[1], 'status', 'retired')
return 1
"""
)


class Generation(BaseModel):
    """What is noted of a generation."""

    model_config = ConfigDict(frozen=True)

    fingerprint_json: str
    status: Literal["building", "live", "retired"]
    since: float
    """Seconds since 1970: when it took this status."""
    previous: str | None = None
    """The one it took over from."""

    @property
    def fingerprint(self) -> Fingerprint:
        return Fingerprint.model_validate_json(self.fingerprint_json)


async def live_pointer(client: RedisClient) -> LivePointer | None:
    """The pointer, or None on a Redis that has none (yet, or any more)."""
    value = await client.get(LIVE)
    return LivePointer.model_validate_json(value) if value else None


async def ensure_live(
    client: RedisClient, generation: str, fingerprint: Fingerprint
) -> LivePointer:
    """The live pointer; if there is none, it is made to point to `generation`."""
    mine = LivePointer(generation=generation, fingerprint=fingerprint)
    await client.set(LIVE, mine.model_dump_json(), nx=True)
    found = await live_pointer(client)
    return found or mine


async def read_generations(client: RedisClient) -> dict[str, Generation]:
    """What is noted, by generation. The first one, and a healed one, may have no note."""
    notes = await client.hgetall(GENERATIONS)
    return {name.decode(): Generation.model_validate_json(note) for name, note in notes.items()}


async def predecessor(client: RedisClient, generation: str) -> LivePointer | None:
    """The generation that this one took over from, if both are noted."""
    notes = await read_generations(client)
    name = notes[generation].previous if generation in notes else None
    if name is None or name not in notes:
        return None
    return LivePointer(generation=name, fingerprint=notes[name].fingerprint)


async def find_or_create_building(
    client: RedisClient, live: LivePointer, fingerprint: Fingerprint
) -> str:
    """The generation that is being built with `fingerprint`; a new one if there is none."""
    text = fingerprint.encode()
    fresh = Generation(fingerprint_json=text, status="building", since=time.time())
    name = await _BUILDING.run(
        client, [GENERATIONS], [text, number_of(live.generation), fresh.model_dump_json()]
    )
    found: str = name.decode()
    return found


def number_of(generation: str) -> int:
    return int(generation.removeprefix("g"))


async def switch(client: RedisClient, live: LivePointer, to: LivePointer) -> bool:
    """Move the pointer from `live` to `to`, if it still points there, and retire `live`."""
    await _note(client, live, "live")  # both are known before the pointer moves: see `drop_retired`
    await _note(client, to, "building", previous=live.generation)
    answer = await _SWITCH.run(client, [LIVE], [live.generation, to.model_dump_json()])
    if not int(answer):
        return False
    await _note(client, to, "live", previous=live.generation)
    await _note(client, live, "retired")
    await retire(client, live)
    return True


async def _note(
    client: RedisClient,
    pointer: LivePointer,
    status: Literal["building", "live", "retired"],
    previous: str | None = None,
) -> None:
    note = Generation(
        fingerprint_json=pointer.fingerprint.encode(),
        status=status,
        since=time.time(),
        previous=previous,
    )
    await client.hset(GENERATIONS, pointer.generation, note.model_dump_json())


async def retire(client: RedisClient, old: LivePointer) -> None:
    """Mark the shards, so that the write script refuses whoever still writes to them."""
    for keys in shards_of(old.generation, old.fingerprint):
        await _RETIRE.run(client, [keys.meta], [])


def shards_of(generation: str, fingerprint: Fingerprint) -> list[ShardKeys]:
    return [ShardKeys(generation, shard) for shard in range(fingerprint.partitions)]


async def read_metas(
    client: RedisClient, generation: str, fingerprint: Fingerprint
) -> list[Meta | None]:
    """The metas of a generation's shards, by shard."""
    keys = shards_of(generation, fingerprint)
    return [Meta.decode(await client.hgetall(one.meta)) for one in keys]


async def count_tasks(client: RedisClient, generation: str, fingerprint: Fingerprint) -> int:
    """How many tasks a generation has."""
    counts = [int(await client.hlen(k.docs)) for k in shards_of(generation, fingerprint)]
    return sum(counts)


async def drop_retired(client: RedisClient, kept_s: float = KEPT_S) -> list[str]:
    """Drop what was retired `kept_s` seconds ago; which generations that were.

    Not before every shard of the live one has been taken over: its owner still looks at the
    offset of its predecessor, to send what that one had not sent yet.
    """
    live = await live_pointer(client)
    if live is None:
        return []
    notes = await read_generations(client)
    previous = notes[live.generation].previous if live.generation in notes else None
    if live.generation in notes and notes[live.generation].status == "building":
        await _note(client, live, "live", previous)  # the pointer was moved, then a crash came
    dropped = []
    for name, note in notes.items():
        if name == live.generation or (note.status != "retired" and name != previous):
            continue
        old = LivePointer(generation=name, fingerprint=note.fingerprint)
        if note.status != "retired":
            await _note(client, old, "retired")
            await retire(client, old)
            continue
        owned = await read_metas(client, live.generation, live.fingerprint)
        if time.time() - note.since < kept_s or not all(m and m.status == "live" for m in owned):
            continue
        await retire(client, old)
        await drop(client, name)
        await client.hdel(GENERATIONS, name)
        dropped.append(name)
    return dropped


async def keys_of(client: RedisClient, generation: str) -> AsyncIterator[str]:
    """Every key of a generation; some may come twice."""
    async for key in client.scan_iter(match=generation + ":{*", count=1_000):
        yield key.decode()


async def drop(client: RedisClient, generation: str) -> int:
    """Remove a generation's keys, the metas last: until then they refuse who would write."""
    found = {key async for key in keys_of(client, generation)}
    last = {key for key in found if key.endswith("}:meta")}
    for some in (sorted(found - last), sorted(last)):
        for first in range(0, len(some), DROPPED_AT_ONCE):
            pipeline = client.pipeline(transaction=False)
            for key in some[first : first + DROPPED_AT_ONCE]:
                pipeline.execute_command("UNLINK", key)  # a cluster's `unlink` is not queued
            await pipeline.execute()
    return len(found)


# --- what an operator has accepted ----------------------------------------------------------------


async def accepted(client: RedisClient, topic: str, partition: int) -> int:
    """The offset through which the partition's dead letters are accepted; -1 for none."""
    value = await client.hget(ACCEPTED, accepted_field(topic, partition))
    return int(value) if value else -1


async def accept(client: RedisClient, topic: str, partition: int, offset: int) -> None:
    """Accept the dead letters of a partition through `offset`."""
    if offset > await accepted(client, topic, partition):
        await client.hset(ACCEPTED, accepted_field(topic, partition), offset)
