"""Too many dead letters park their shard, and nothing is lost."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from contracts.meta import Meta
from projector.consumer import partition
from projector.consumer.decode import partition_of
from projector.supervisor import Supervisor
from support.events import planned
from support.projecting import Shards, projector_settings, running_projector, shards_of
from support.publishing import Record, record_of, send
from support.topics import Topic
from support.waiting import until

TASKS = [f"T{n}" for n in range(10_000) if partition_of(f"T{n}".encode(), 4) == 0]


def good(count: int) -> list[Record]:
    return [record_of(planned(task)) for task in TASKS[:count]]


def bad(count: int) -> list[Record]:
    return [(TASKS[n].encode(), b"{", {}) for n in range(count)]


async def parked(shards: Shards) -> Meta | None:
    meta = (await shards.metas())[0]
    return meta if meta and meta.parked else None


async def stands_at(shards: Shards, offset: int) -> bool:
    meta = (await shards.metas())[0]
    return bool(meta and meta.offset == offset and not meta.parked)


@pytest.fixture(autouse=True)
def _looked_at_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(partition, "PARKED_S", 0.2)


async def test_storm_parks_its_shard_until_an_operator_accepts_it(
    topic: Topic, redis_url: str
) -> None:
    async with shards_of(topic, redis_url) as shards:
        async with running_projector(topic, redis_url, batch_records=200) as projector:
            await send(topic, [*good(700), *bad(1_000), *good(20)])
            meta = await until(lambda: parked(shards))
            assert meta.offset < 1_700
            assert "dead-letter storm" in (meta.parked or "")
            assert "partition 0" in (meta.parked or "")
            assert "'not_json'" in (meta.parked or "")
            assert "--accept-through" in (meta.parked or "")
            shards_said = projector.not_ready()["shards"]
            assert list(shards_said) == ["0"]
            assert shards_said["0"].startswith("parked: dead-letter storm")
            assert sum((await shards.dead()).values()) < meta.offset
        settings = {"batch_records": 200}
        async with running_projector(topic, redis_url, **settings):  # a restart changes nothing
            again = await until(lambda: parked(shards))
            assert again.offset == meta.offset
        async with _accepting(topic, redis_url, through=1_699) as projector:
            await until(lambda: stands_at(shards, 1_720))
            assert await shards.dead() == {"not_json": 1_000}
            await until(lambda: not projector.not_ready())


async def test_shard_resumes_when_good_records_follow(topic: Topic, redis_url: str) -> None:
    async with (
        running_projector(topic, redis_url, batch_records=200),
        shards_of(topic, redis_url) as shards,
    ):
        await send(topic, bad(1_100))
        await until(lambda: parked(shards))
        await send(topic, good(1_200))
        await until(lambda: stands_at(shards, 2_300))
        assert await shards.dead() == {"not_json": 1_100}


async def test_few_bad_records_are_not_a_storm(topic: Topic, redis_url: str) -> None:
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await send(topic, bad(900))
        await until(lambda: stands_at(shards, 900))


@asynccontextmanager
async def _accepting(topic: Topic, redis_url: str, through: int) -> AsyncIterator[Supervisor]:
    settings = projector_settings(topic, redis_url, batch_records=200)
    projector = Supervisor(settings, accept_through=through)
    async with projector.running():
        yield projector
