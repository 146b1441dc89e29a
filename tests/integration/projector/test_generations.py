"""A second generation alongside the live one: built, compared, switched to, the first dropped."""

import asyncio
import json
from typing import Any

from contracts.keys import GENERATIONS, LIVE, ShardKeys
from contracts.meta import Meta
from projector.consumer.decode import partition_of
from support.golden import day_events
from support.processes import projector_command
from support.projecting import Shards, running_projector, shards_of
from support.publishing import publish, record_of, send
from support.topics import Topic
from support.waiting import until

EVENTS = day_events()
HALF = len(EVENTS) // 2


async def live(shards: Shards) -> str:
    generation: str = json.loads(await shards.client.get(LIVE))["generation"]
    return generation


async def keys_of(shards: Shards, generation: str) -> set[bytes]:
    return set(await shards.client.keys(generation + ":{*"))


async def test_rebuild_under_load_switches_and_the_projector_continues(
    topic: Topic, redis_url: str
) -> None:
    async with (
        running_projector(topic, redis_url),
        shards_of(topic, redis_url) as old,
        shards_of(topic, redis_url, "g2") as new,
    ):
        await publish(topic, EVENTS[:HALF])
        await old.caught_up()

        async def load() -> None:
            for event in EVENTS[HALF : HALF + 400]:
                await publish(topic, [event])

        loading = asyncio.create_task(load())
        ended = await projector_command(topic, redis_url, "rebuild", "--keep-s", "1")
        await loading
        assert (ended.code, ended.err) == (0, "")
        assert "rebuild: 0 differences" in ended.out
        assert await live(new) == "g2"
        await publish(topic, EVENTS[HALF + 400 :])
        await new.caught_up()
        assert "rebuild: g1 is dropped" in ended.out
        assert not await keys_of(new, "g1")
        assert not await new.client.hexists(GENERATIONS, "g1")
        assert [meta and meta.status for meta in await new.metas()] == ["live"] * topic.partitions
    ended = await projector_command(topic, redis_url, "verify")
    assert (ended.code, ended.err) == (0, ""), ended.out


async def test_a_difference_is_named_and_refused_unless_forced(
    topic: Topic, redis_url: str
) -> None:
    async with shards_of(topic, redis_url) as shards:
        async with running_projector(topic, redis_url):
            await publish(topic, EVENTS[:300])
            await shards.caught_up()
        key = next(key for key in await keys_of(shards, "g1") if b":cells:" in key)
        cell = next(iter(await shards.client.hgetall(key)))
        await shards.client.hset(key, cell, "9,9,9,9,9,9,9,9,9,9,9")
        ended = await projector_command(topic, redis_url, "rebuild", "--keep-s", "0")
        assert ended.code == 1
        assert "live has 9,9,9,9,9,9,9,9,9,9,9" in ended.out
        assert "rebuild: 1 differences" in ended.out
        assert "g1 stays live" in ended.err
        assert await live(shards) == "g1"
        async with running_projector(topic, redis_url):
            ended = await projector_command(topic, redis_url, "rebuild", "--force", "--keep-s", "0")
        assert ended.code == 0, ended.err
        assert await live(shards) == "g2"


async def test_rebuild_resumes_where_it_was_stopped(topic: Topic, redis_url: str) -> None:
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await publish(topic, EVENTS[:300])
        await shards.caught_up()
        ended = await projector_command(topic, redis_url, "rebuild", "--stop-after-catch-up")
        assert ended.code == 0, ended.err
        assert await live(shards) == "g1"
        meta = Meta.decode(await shards.client.hgetall(ShardKeys("g2", 0).meta))
        assert meta is not None
        assert (meta.status, meta.offset > 0) == ("building", True)
        await publish(topic, EVENTS[300:600])
        ended = await projector_command(topic, redis_url, "rebuild", "--keep-s", "0")
        assert ended.code == 0, ended.err
        assert "building g2" in ended.out
        assert await live(shards) == "g2"


async def test_rebuild_sends_no_dead_letters_again(topic: Topic, redis_url: str) -> None:
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await send(topic, [(b"k%d" % n, b"no json", {}) for n in range(20)])
        await publish(topic, EVENTS[:50])
        await shards.caught_up()
        ended = await projector_command(topic, redis_url, "rebuild", "--keep-s", "0")
        assert ended.code == 0, ended.err
        assert await letters(topic) == 20


async def test_new_generation_sends_what_the_old_one_had_not_sent_yet(
    topic: Topic, redis_url: str
) -> None:
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await publish(topic, EVENTS[:50])
        await shards.caught_up()
    await send(topic, [(b"k%d" % n, b"no json", {}) for n in range(20)])
    key, value, more = record_of(EVENTS[50])
    away = (partition_of(key or b"", topic.partitions) + 1) % topic.partitions
    await send(topic, [(key, value, {**more, "partition": away})])
    async with (
        running_projector(topic, redis_url, day_end="23:00", on_foreign="rebuild") as projector,
        shards_of(topic, redis_url, "g2") as new,
    ):
        await until(lambda: projector.assignment and not projector.not_ready(), within_s=30)
        assert await letters(topic) == 20
        await new.caught_up()
        assert sum(meta.forwarded for meta in await new.metas() if meta) == 1
    ended = await projector_command(topic, redis_url, "verify")
    assert (ended.code, ended.err) == (0, ""), ended.out


async def test_a_projector_with_other_settings_parks(topic: Topic, redis_url: str) -> None:
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await publish(topic, EVENTS[:50])
        await shards.caught_up()
        async with running_projector(topic, redis_url, day_end="23:00") as other:
            status = await until(lambda: _status(other, "parked"))
            assert "day_end '23:00' here, '24:00' there" in status
            assert other.assignment is None
            assert await live(shards) == "g1"


async def test_a_rolling_deploy_builds_the_next_generation_and_the_old_one_parks(
    topic: Topic, redis_url: str
) -> None:
    async with (
        running_projector(topic, redis_url, on_foreign="rebuild") as old,
        shards_of(topic, redis_url, "g2") as shards,
    ):
        await publish(topic, EVENTS[:HALF])
        await send(topic, [(b"k%d" % n, b"no json", {}) for n in range(20)])
        async with (
            running_projector(topic, redis_url, day_end="23:00", on_foreign="rebuild") as one,
            running_projector(topic, redis_url, day_end="23:00", on_foreign="rebuild"),
        ):
            await publish(topic, EVENTS[HALF:])
            await until(lambda: _is_live(shards, "g2"), within_s=40)
            await until(lambda: _status(old, "took over from this one's"), within_s=20)
            await until(lambda: one.assignment and not one.not_ready(), within_s=20)
            await shards.caught_up()
            await until(lambda: _statuses(shards, topic), within_s=20)
            assert await letters(topic) >= 20
    ended = await projector_command(topic, redis_url, "verify")
    assert (ended.code, ended.err) == (0, ""), ended.out


async def _is_live(shards: Shards, generation: str) -> bool:
    return await live(shards) == generation


async def _statuses(shards: Shards, topic: Topic) -> bool:
    return [m and m.status for m in await shards.metas()] == ["live"] * topic.partitions


def _status(projector: Any, part: str) -> str:
    said = str(projector.not_ready().get("status", ""))
    return said if part in said else ""


async def letters(topic: Topic) -> int:
    from aiokafka import AIOKafkaConsumer, TopicPartition

    consumer = AIOKafkaConsumer(bootstrap_servers=topic.bootstrap)
    await consumer.start()
    try:
        found = await consumer.topics()
        assert topic.dead_letters in found
        parts = [
            TopicPartition(topic.dead_letters, number)
            for number in consumer.partitions_for_topic(topic.dead_letters) or {0}
        ]
        return sum((await consumer.end_offsets(parts)).values())
    finally:
        await consumer.stop()
