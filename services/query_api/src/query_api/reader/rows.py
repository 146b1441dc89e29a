"""Reading the rows behind a number, and their names and deliveries."""

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from pydantic_core import to_json

from contracts.keys import ShardKeys
from contracts.values import NameEntry, Row
from query_api.reader.errors import Unavailable
from query_api.report.named_rows import ALL_PARTS, NamedRow, Part, completed, named_rows
from query_api.report.row_query import Listing, RowQuery, listings
from query_api.report.snapshot import Snapshot
from runtime.redis import RETRYABLE, RedisClient
from runtime.scripts import Call, ReadScript

ROWS_PER_SCRIPT: Final = 1_000
"""About how many rows of a shard one script reads, so that Redis is not held up."""

IDS_PER_SCRIPT: Final = 2_000
"""Ids looked up at a time, in every shard: each has the names of its own tasks only."""

ROWS_KNOWN: Final = 30_000
"""How many decoded rows are remembered: most are needed again when a person turns a page."""

_ROWS = ReadScript("""
-- KEYS: meta, none. ARGV: 1 to follow pointers, 0 to leave them out; then of each list its key and its
-- key up to the operator's id.
-- Answers: field, row, field, row, ... or nil where there is no such shard. A pointer is
-- {"holder":ID}, the id as in the key's name.
if redis.call('EXISTS', KEYS[1]) == 0 then return false end
local found = {}
for at = 2, #ARGV, 2 do
  local rows = redis.call('HGETALL', ARGV[at])
  for i = 1, #rows, 2 do
    local row = rows[i + 1]
    if string.byte(row) == 123 then
      if ARGV[1] == '1' then
        local holder = string.sub(row, 11, -2)
        row = redis.call('HGET', ARGV[at + 1] .. holder .. ']', rows[i])
      else
        row = false
      end
    end
    if row then
      found[#found + 1] = rows[i]
      found[#found + 1] = row
    end
  end
end
return found
""")


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


async def find_rows(client: RedisClient, snapshot: Snapshot, query: RowQuery) -> list[NamedRow]:
    """Returns the rows that match the query, each once; raises `Unavailable`."""
    found: dict[tuple[str, int], NamedRow] = {}
    with _reading():
        async for portion in read_rows(
            client,
            snapshot.generation,
            [number for number, shard in enumerate(snapshot.shards) if shard is not None],
            listings(snapshot, query),
            follow_pointers=query.takes_pointers,
        ):
            for named in named_rows(portion, query, snapshot):
                found[named.row.task_id, named.row.contact_no] = named
    return list(found.values())


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
    with _reading():
        if "client" in parts:
            names = await read_names(client, generation, shards, "client", clients)
        if "address" in parts:
            texts = await read_names(client, generation, shards, "address", addresses)
        if "delivery" in parts:
            deliveries = await read_last_deliveries(client, generation, shards, addresses)
    return completed(rows, names, texts, deliveries)


@contextmanager
def _reading() -> Iterator[None]:
    try:
        yield
    except RETRYABLE as error:
        raise Unavailable(f"Redis can't be read: {error}") from error


_known: dict[tuple[bytes, bytes], Row] = {}


def _decoded(field: bytes, value: bytes) -> Row:
    row = _known.get((field, value))
    if row is None:
        if len(_known) >= ROWS_KNOWN:
            _known.clear()
        row = _known[field, value] = Row.decode(field, value)
    return row


async def read_rows(
    client: RedisClient,
    generation: str,
    shards: Sequence[int],
    listings: Iterable[Listing],
    *,
    follow_pointers: bool,
) -> AsyncIterator[list[Row]]:
    """Yields the rows of the lists, in portions, each read from one shard at one moment.

    A contact that is in several lists comes several times. Raises `Unavailable` if a shard is gone:
    its figures are still shown, so that no rows would be a wrong answer.
    """
    for some in _portions(listings):
        calls: list[Call] = []
        for number in shards:
            keys = ShardKeys(generation, number)
            args: list[str | int] = [int(follow_pointers)]
            for listing in some:
                args += (
                    keys.rows(listing.date, listing.operator),
                    keys.rows_prefix_of(listing.date),
                )
            calls.append(([keys.meta, keys.none], args))
        answers = await _ROWS.run_all(client, calls)
        for number, answer in zip(shards, answers, strict=True):
            if answer is None:
                raise Unavailable(f"shard {number} is missing")
            fields = iter(answer)
            yield [_decoded(field, value) for field, value in zip(fields, fields, strict=True)]
            await asyncio.sleep(0)  # let other requests run


def _portions(listings: Iterable[Listing]) -> Iterable[list[Listing]]:
    some: list[Listing] = []
    rows = 0
    for listing in listings:
        if some and rows + listing.rows > ROWS_PER_SCRIPT:
            yield some
            some, rows = [], 0
        some.append(listing)
        rows += listing.rows
    if some:
        yield some


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
