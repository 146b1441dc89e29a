"""Looking up what Redis has apart from rows: names of clients, addresses, last deliveries."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from typing import Final

from pydantic_core import to_json

from contracts.keys import ShardKeys
from contracts.values import NameEntry
from query_api.reader.errors import reading
from query_api.report.named_rows import ALL_PARTS, NamedRow, Part, completed
from query_api.report.snapshot import Snapshot
from runtime.redis import RedisClient
from runtime.scripts import ReadScript

IDS_PER_SCRIPT: Final = 2_000
"""Ids looked up at a time, in every shard: each has the names of its own tasks only."""

_HELD = ReadScript("""
-- KEYS: a hash. ARGV: fields, as a JSON array. Answers: place of the field, value, ... of those
-- the hash holds.
local fields = cjson.decode(ARGV[1])
local found = {}
for first = 1, #fields, 1000 do
  local last = math.min(first + 999, #fields)
  local values = redis.call('HMGET', KEYS[1], unpack(fields, first, last))
  for i = 1, #values do
    if values[i] then
      found[#found + 1] = first + i - 1
      found[#found + 1] = values[i]
    end
  end
end
return found
""")


async def look_up(
    client: RedisClient,
    snapshot: Snapshot,
    rows: list[NamedRow],
    parts: Collection[Part] = ALL_PARTS,
) -> list[NamedRow]:
    """Returns the rows with the parts that other hashes have; raises `Unavailable`."""
    if not rows or not parts:
        return rows
    generation, shards = snapshot.generation, len(snapshot.shards)
    clients = {one.row.client for one in rows}
    addresses = {one.row.address for one in rows}
    names: dict[str, str] = {}
    texts: dict[str, str] = {}
    deliveries: dict[str, str] = {}
    with reading():
        if "client" in parts:
            names = await read_names(client, generation, shards, "client", clients)
        if "address" in parts:
            texts = await read_names(client, generation, shards, "address", addresses)
        if "delivery" in parts:
            deliveries = await read_last_deliveries(client, generation, shards, addresses)
    return completed(rows, names, texts, deliveries)


async def read_names(
    client: RedisClient, generation: str, shards: int, kind: str, ids: Iterable[str]
) -> dict[str, str]:
    """Returns the latest name of each client or address, over all shards."""
    latest: dict[str, NameEntry] = {}
    async for named, value in _looked_up(
        client, [ShardKeys(generation, n).names(kind) for n in range(shards)], ids
    ):
        entry = NameEntry.decode(value)
        known = latest.get(named)
        if known is None or entry > known:
            latest[named] = entry
    return {named: entry.text for named, entry in latest.items()}


async def read_last_deliveries(
    client: RedisClient, generation: str, shards: int, addresses: Iterable[str]
) -> dict[str, str]:
    """Returns the last delivery date of each address that has one, over all shards."""
    latest: dict[str, str] = {}
    async for address, value in _looked_up(
        client, [ShardKeys(generation, n).deliveries for n in range(shards)], addresses
    ):
        latest[address] = max(latest.get(address, ""), value.decode())
    return latest


async def _looked_up(
    client: RedisClient, hashes: Sequence[str], fields: Iterable[str]
) -> AsyncIterator[tuple[str, bytes]]:
    """Yields each (field, value) that any of the hashes has."""
    asked = list(dict.fromkeys(fields))
    for first in range(0, len(asked), IDS_PER_SCRIPT):
        some = asked[first : first + IDS_PER_SCRIPT]
        packed = to_json(some).decode()
        for answer in await _HELD.run_all(client, [([key], [packed]) for key in hashes]):
            found = iter(answer)
            for at, value in zip(found, found, strict=True):
                yield some[at - 1], value
        await asyncio.sleep(0)  # let other requests run
