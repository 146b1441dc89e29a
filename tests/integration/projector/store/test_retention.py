"""Retention: old contact dates are forgotten, and what is kept stays correct."""

from collections.abc import AsyncIterator
from typing import Any

import pytest_asyncio

from projector.fold.expected import Expected
from projector.fold.facts import Fact, fact_of_event
from projector.store.client import connect
from projector.store.position import Position
from projector.store.shard import ClaimedShard, Shard
from support.events import called, planned, postponed
from support.one_shard import CALENDAR, FINGERPRINT, KEYS
from support.strategies import DAYS

OLD, KEPT, NEW = DAYS
START = "2026-01-01"


@pytest_asyncio.fixture
async def shard(redis_url: str) -> AsyncIterator[ClaimedShard]:
    client = connect(redis_url)
    made = await Shard(client, KEYS, FINGERPRINT, CALENDAR).claim("live", START)
    await made.start_at(0, None)
    yield made
    await client.aclose()


async def apply(shard: ClaimedShard, *events: dict[str, Any]) -> None:
    facts: dict[str, list[Fact]] = {}
    for event in events:
        facts.setdefault(event["subject"], []).append(fact_of_event(event))
    prepared = await shard.prepare(facts)
    await shard.commit(prepared, Position(shard.position.offset + len(events)))


async def dates_in_redis(shard: ClaimedShard, kind: str) -> set[str]:
    keys = await shard._client.keys("g1:*")
    return {key.decode()[-10:] for key in keys if f":{kind}:" in key.decode()}


async def hashes(shard: ClaimedShard, keys: Any) -> dict[str, Any]:
    return {key: await shard._client.hgetall(key) for key in keys}


HISTORY = [
    planned("T1", date=OLD),
    called("T1", operator="op-2"),
    postponed("T1", NEW, at="11:00"),
    planned("T2", date=OLD),
    planned("T3", date=KEPT),
    called("T3", "ordered"),
]


async def test_dates_before_the_horizon_are_forgotten_with_their_rows(shard: ClaimedShard) -> None:
    await apply(shard, *HISTORY)
    assert await dates_in_redis(shard, "cells") == {OLD, KEPT, NEW}
    assert await shard.advance_horizon(KEPT) == 1
    for kind in ("cells", "open"):
        assert OLD not in await dates_in_redis(shard, kind)
    keys = [key.decode() for key in await shard._client.keys("g1:*")]
    assert not [key for key in keys if OLD in key]
    assert {name.decode() for name in await shard._client.hkeys(KEYS.seqs)} >= {KEPT, NEW}
    assert OLD.encode() not in await shard._client.hkeys(KEYS.seqs)


async def test_the_horizon_never_moves_back(shard: ClaimedShard) -> None:
    await apply(shard, *HISTORY)
    await shard.advance_horizon(KEPT)
    assert await shard.advance_horizon(OLD) == 0
    assert shard.projection.horizon == KEPT


async def test_late_events_change_only_dates_that_are_kept(shard: ClaimedShard) -> None:
    await apply(shard, *HISTORY)
    await shard.advance_horizon(KEPT)
    late = [
        called("T1", at="12:00"),
        called("T2"),
        planned("T4", date=OLD),
        planned("T2", date=NEW),
    ]
    await apply(shard, *late)
    expected = Expected(KEYS, CALENDAR)
    for event in (*HISTORY, *late):
        expected.add({event["subject"]: [fact_of_event(event)]})
    for date in DAYS:
        wanted = expected.hashes(date, KEPT)
        assert await hashes(shard, wanted) == wanted


async def test_new_owner_continues_with_the_same_horizon(shard: ClaimedShard) -> None:
    await apply(shard, *HISTORY)
    await shard.advance_horizon(KEPT)
    other = await Shard(shard._client, KEYS, FINGERPRINT, CALENDAR).claim("live", START)
    assert other.projection.horizon == KEPT
    await apply(other, called("T2"))
    assert OLD not in await dates_in_redis(other, "cells")


async def test_document_is_deleted_once_its_newest_contact_is_old(shard: ClaimedShard) -> None:
    await apply(shard, *HISTORY)
    assert await shard.forget_documents(KEPT) == 1
    assert {name.decode() for name in await shard._client.hkeys(KEYS.docs)} == {"T1", "T3"}
