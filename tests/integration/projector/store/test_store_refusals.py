"""If Redis would refuse a part of a write, nothing at all is written."""

import asyncio
from typing import Any

import pytest
import redis.asyncio
from redis.exceptions import ResponseError

from projector.fold.facts import fact_of_event
from projector.store.client import connect
from projector.store.position import Position
from projector.store.shard import Shard
from runtime.redis import RedisClient
from support.events import DAY, planned
from support.one_shard import CALENDAR, FINGERPRINT, KEYS
from support.projecting import running_projector
from support.topics import Topic
from support.waiting import until


async def write(client: Any, taken: str = "") -> None:
    shard = await Shard(client, KEYS, FINGERPRINT, CALENDAR).claim("live", "2026-08-24")
    await shard.start_at(0, None)
    prepared = await shard.prepare({"T1": [fact_of_event(planned("T1"))]})
    if taken:
        await client.set(taken, "somebody else's")
    await shard.commit(prepared, Position(1))


async def test_key_of_the_wrong_type_is_named_and_nothing_is_written(redis_url: str) -> None:
    client = connect(redis_url)
    try:
        with pytest.raises(ResponseError, match=r"WRONGTYPE.*rows"):
            await write(client, taken=KEYS.rows(DAY, "op-1"))
        assert await client.hget(KEYS.meta, "offset") == b"0"
        assert await client.hlen(KEYS.docs) == 0
    finally:
        await client.aclose()


@pytest.mark.parametrize("denied", ["resetchannels", "-hdel", "-unlink"])
async def test_redis_user_without_a_needed_permission_writes_nothing(
    denied: str, redis_url: str
) -> None:
    admin: RedisClient = redis.asyncio.from_url(redis_url)
    granted = ["on", ">secret", "~*", "&*", "+@all", denied]
    await admin.execute_command("ACL", "SETUSER", "limited", *granted)
    client = connect(redis_url.replace("://", "://limited:secret@"))
    try:
        with pytest.raises(ResponseError):
            await write(client)
        assert await admin.hget(KEYS.meta, "offset") in (None, b"0")
        assert await admin.hlen(KEYS.docs) == 0
    finally:
        await admin.execute_command("ACL", "DELUSER", "limited")
        await admin.aclose()
        await client.aclose()


async def test_shard_that_lost_its_meta_counts_no_dead_letter_twice(
    redis_url: str,
) -> None:
    client = connect(redis_url)
    try:
        for _ in range(2):  # the log is read from its beginning again: the same dead letters
            shard = await Shard(client, KEYS, FINGERPRINT, CALENDAR).claim("live", "2026-08-24")
            await shard.start_at(0, None)
            prepared = await shard.prepare({"T1": [fact_of_event(planned("T1"))]})
            await shard.commit(prepared, Position(4), dead={"not_json": 3})
            await client.delete(KEYS.meta)
        assert await client.hgetall(KEYS.dead) == {b"not_json": b"3"}
    finally:
        await client.aclose()


async def test_projector_waits_while_redis_is_busy_with_a_script(
    topic: Topic, redis_url: str
) -> None:
    admin: RedisClient = redis.asyncio.from_url(redis_url)
    await admin.config_set("busy-reply-threshold", 50)
    busy = asyncio.create_task(admin.eval("while true do end", 0))
    other = redis.asyncio.from_url(redis_url)
    try:
        async with running_projector(topic, redis_url) as projector:
            await until(lambda: "BUSY" in projector.not_ready().get("status", ""))
            await other.script_kill()
            await until(lambda: not projector.not_ready(), within_s=30)
    finally:
        busy.cancel()
        await other.config_set("busy-reply-threshold", 5_000)
        await other.aclose()
        await admin.aclose()
