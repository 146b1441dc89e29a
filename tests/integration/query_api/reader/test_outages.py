"""What the API shows while Redis, or a part of its data, is missing."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
import redis.asyncio

from contracts.keys import LIVE
from devkit.stack.engines import EmbeddedRedis
from runtime.version import VERSION
from support.api import Api, running_api
from support.events import DAY, NOON, planned
from support.issuer import Issuer
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def own_redis(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    """A Redis that the test may stop and start; it loses its data then."""
    async with EmbeddedRedis(tmp_path) as server:
        server._any_port = False  # it restarts on the same port
        yield server


async def test_last_report_is_shown_as_stale_while_redis_is_unreachable(
    own_redis: EmbeddedRedis, issuer: Issuer
) -> None:
    client = redis.asyncio.from_url(own_redis.url)
    writer = await Writer(client).start()
    await writer.write([planned("T1")])
    async with running_api(own_redis.url, issuer, NOON) as api:
        assert await api.shows_planned(1)
        assert not (await api.get("/report", date=DAY))["stale"]

        await own_redis.stop()

        await until(api.is_stale)
        assert await api.shows_planned(1)
        assert await api.status("/readyz") == 200, "ready stays ready"
        assert (await api.get("/report", date=DAY))["lag_events"] is None
        assert await api.status("/api/v1/contacts", date=DAY) == 503

        await own_redis.start()  # empty now
        await until(api.is_stale)
        assert await api.shows_planned(1)

        await client.connection_pool.disconnect()
        again = await Writer(client).start()
        await again.write([planned("T1"), planned("T2")])
        await until(lambda: api.shows_planned(2))
        assert not (await api.get("/report", date=DAY))["stale"]
    await client.aclose()


async def test_api_started_without_redis_waits_and_says_so(
    own_redis: EmbeddedRedis, issuer: Issuer
) -> None:
    await own_redis.stop()
    async with running_api(own_redis.url, issuer, NOON) as api:
        assert await api.status() == 503
        assert await api.status("/readyz") == 503
        assert await api.status("/livez") == 200

        await own_redis.start()
        client = redis.asyncio.from_url(own_redis.url)
        await Writer(client).start()
        await client.aclose()

        await until(lambda: _is(api, 200))
        response = await api.client.get("/readyz")
        assert response.status_code == 200
        assert response.json()["version"] == VERSION


async def _is(api: Api, expected: int) -> bool:
    return await api.status() == expected


async def test_service_unavailable_says_when_to_retry(
    own_redis: EmbeddedRedis, issuer: Issuer
) -> None:
    await own_redis.stop()
    async with running_api(own_redis.url, issuer, NOON) as api:
        answer = await api.raw("/report")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["title"] == "Service Unavailable"


async def test_time_zone_different_from_the_projectors_is_refused(
    redis_url: str, client: redis.asyncio.Redis, issuer: Issuer
) -> None:
    await Writer(client, timezone="Asia/Omsk").start()
    async with running_api(redis_url, issuer, NOON) as api:
        await until(lambda: api.state.mirror.unreadable)
        answer = await api.client.get("/readyz")

        assert answer.status_code == 503
        assert "OBZVON_TIMEZONE=Asia/Omsk" in answer.json()["detail"]
        assert await api.status() == 503


async def test_report_follows_a_redis_that_was_emptied_and_filled_again(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    """The new shards pass through the same seqs as the old ones: only the epoch tells them apart."""
    await writer.write([planned("T1", operator="op-1")])
    await until(lambda: api.shows_planned(1))

    await client.flushall()
    again = await Writer(client).start()
    await again.write([planned("T1", operator="op-2")])
    await api.up_to_date()

    assert [*await api.report(date=DAY)] == ["op-2"]


async def test_missing_rows_give_503_while_their_figures_are_still_shown(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await until(lambda: api.shows_planned(1))

    await client.flushall()
    assert await api.status("/api/v1/contacts", date=DAY) == 503

    await until(api.is_stale, within_s=3)
    assert await api.shows_planned(1)
    assert await api.status("/api/v1/contacts", date=DAY) == 503


async def test_missing_live_pointer_keeps_the_last_report_and_marks_it_stale(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await until(lambda: api.shows_planned(1))

    await client.delete(LIVE)
    await until(api.is_stale, within_s=3)
    assert await api.shows_planned(1)

    await writer.go_live()
    await until(api.is_fresh)


async def test_a_shard_that_is_missing_parked_or_behind_makes_the_report_stale(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await until(api.is_fresh)

    await writer.shards[0].note({"parked": "the topic is another one"})
    await api.up_to_date()
    parked = await api.get("/report", date=DAY)
    await writer.shards[0].note({"parked": ""})
    await writer.sample(age_s=16)
    await api.up_to_date()
    old = await api.get("/report", date=DAY)
    await writer.sample(behind=7)
    await api.up_to_date()
    behind = await api.get("/report", date=DAY)
    await client.delete(writer.shards[1].keys.meta)
    await api.up_to_date()
    missing = await api.get("/report", date=DAY)

    assert parked["stale_reason"] == "shard 0 is parked: the topic is another one"
    assert behind["stale_reason"] is None
    assert (parked["stale"], parked["lag_events"]) == (True, None)
    assert (old["stale"], old["lag_events"]) == (True, None)
    assert (behind["stale"], behind["lag_events"]) == (False, 28)
    assert (missing["stale"], missing["as_of"]) == (True, None)


async def test_unreadable_data_keeps_the_last_report(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await until(lambda: api.shows_planned(1))
    keys = writer.shards[0].keys

    await client.hset(keys.cells(DAY), "no JSON", "1,2")
    await client.hset(keys.seqs, DAY, 10_000)
    await client.hset(keys.meta, "seq", 10_000)
    await until(api.is_stale, within_s=3)
    assert await api.shows_planned(1)

    await client.hdel(keys.cells(DAY), "no JSON")
    await until(api.is_fresh)
