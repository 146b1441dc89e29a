"""What the API shows while Redis, its shards and its generations come, go and change."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis.asyncio

from contracts.keys import CHANGES, LIVE
from devkit.stack.engines import EmbeddedRedis
from query_api.reader import mirror as mirror_module
from query_api.reader import shard as shard_module
from query_api.reader import subscription
from runtime.version import VERSION
from support.api import Api, running_api
from support.events import DAY, called, planned
from support.golden import GOLDEN, day_events, load
from support.issuer import Issuer
from support.proxy import proxy
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOON = f"{DAY}T12:00:00+03:00"


@pytest_asyncio.fixture(loop_scope="module")
async def own_redis(tmp_path: Path) -> AsyncIterator[EmbeddedRedis]:
    """A Redis that the test may stop and start; what is in it is lost then."""
    async with EmbeddedRedis(tmp_path) as server:
        server._any_port = False  # it comes back where it was
        yield server


async def status(api: Api, path: str = "/api/v1/report", **parameters: str) -> int:
    return (await api.client.get(path, params=parameters)).status_code


async def totals(api: Api, **parameters: str) -> Any:
    return (await api.get("/report", **{"date": DAY, **parameters}))["totals"]


async def planned_is(api: Api, count: int) -> bool:
    return bool((await totals(api))["planned"] == count)


async def test_a_change_whose_hint_is_lost_is_seen_within_a_tick(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await until(lambda: _subscribers(client))
    await client.client_kill_filter(_type="pubsub")
    await writer.write([planned("T1")])

    await until(lambda: planned_is(api, 1), within_s=3)


async def test_the_subscription_comes_back(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await until(lambda: _subscribers(client))
    await client.client_kill_filter(_type="pubsub")
    await until(lambda: _subscribers(client))


async def test_the_subscription_is_made_anew_where_its_name_leads_to_another_server(
    tmp_path: Path, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription, "SUBSCRIPTION_S", 0.1)
    async with (
        EmbeddedRedis(tmp_path / "old") as old,
        EmbeddedRedis(tmp_path / "new") as new,
        proxy(old.port) as name,
        redis.asyncio.from_url(old.url) as before,
        redis.asyncio.from_url(new.url) as after,
        running_api(f"redis://{name.address}/0", issuer),
    ):
        await until(lambda: _subscribers(before))
        name.point(new.port)
        await until(lambda: _subscribers(after))


async def _subscribers(client: redis.asyncio.Redis) -> int:
    return int((await client.pubsub_numsub(CHANGES))[0][1])


async def test_odd_hints_change_nothing(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    for odd in (b"", b"{}", b"[1]", b'["g1",99,5,[]]', b'["g7",0,5,[]]', b"\xff", b"null"):
        await client.publish(CHANGES, odd)
    await writer.write([planned("T1")])

    await until(lambda: planned_is(api, 1), within_s=3)


async def test_while_redis_is_away_the_last_report_stays_and_is_marked_stale(
    own_redis: EmbeddedRedis, issuer: Issuer
) -> None:
    client = redis.asyncio.from_url(own_redis.url)
    writer = await Writer(client).start()
    await writer.write([planned("T1")])
    async with running_api(own_redis.url, issuer, NOON) as api:
        assert await planned_is(api, 1)
        assert not (await api.get("/report", date=DAY))["stale"]

        await own_redis.stop()

        await until(lambda: _stale(api))
        assert await planned_is(api, 1)
        assert await status(api, "/readyz") == 200, "ready stays ready"
        assert (await api.get("/report", date=DAY))["lag_events"] is None
        assert await status(api, "/api/v1/contacts", date=DAY) == 503

        await own_redis.start()  # empty now
        await until(lambda: _stale(api))
        assert await planned_is(api, 1)

        await client.connection_pool.disconnect()
        again = await Writer(client).start()
        await again.write([planned("T1"), planned("T2")])
        await until(lambda: planned_is(api, 2))
        assert not (await api.get("/report", date=DAY))["stale"]
    await client.aclose()


async def _stale(api: Api) -> bool:
    return bool((await api.get("/report", date=DAY))["stale"])


async def test_without_redis_at_the_start_it_waits_and_says_so(
    own_redis: EmbeddedRedis, issuer: Issuer
) -> None:
    await own_redis.stop()
    async with running_api(own_redis.url, issuer, NOON) as api:
        assert await status(api) == 503
        assert await status(api, "/readyz") == 503
        assert await status(api, "/livez") == 200

        await own_redis.start()
        client = redis.asyncio.from_url(own_redis.url)
        await Writer(client).start()
        await client.aclose()

        await until(lambda: _is(api, 200))
        response = await api.client.get("/readyz")
        assert response.status_code == 200
        assert response.json()["version"] == VERSION


async def _is(api: Api, expected: int) -> bool:
    return await status(api) == expected


async def test_a_problem_says_when_to_come_back(own_redis: EmbeddedRedis, issuer: Issuer) -> None:
    await own_redis.stop()
    async with running_api(own_redis.url, issuer, NOON) as api:
        answer = await api.raw("/report")

    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"] == "2"
    assert answer.json()["title"] == "Service Unavailable"


async def test_another_time_zone_than_the_projector_s_is_refused_by_name(
    redis_url: str, client: redis.asyncio.Redis, issuer: Issuer
) -> None:
    await Writer(client, timezone="Asia/Omsk").start()
    async with running_api(redis_url, issuer, NOON) as api:
        await until(lambda: api.state.mirror.unreadable)
        answer = await api.client.get("/readyz")

        assert answer.status_code == 503
        assert "OBZVON_TIMEZONE=Asia/Omsk" in answer.json()["detail"]
        assert await status(api) == 503


async def test_a_switch_to_another_generation_is_followed(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    rebuilt = Writer(client, generation="g2", partitions=2)
    await rebuilt.claim()
    await rebuilt.sample()
    await rebuilt.write([planned("T1"), planned("T2")])
    await until(lambda: planned_is(api, 1))

    await rebuilt.go_live()
    await until(lambda: planned_is(api, 2), within_s=3)
    async for key in client.scan_iter("g1:*"):
        await client.unlink(key)
    await api.up_to_date()

    assert await planned_is(api, 2)
    assert not await _stale(api)


async def test_a_switch_between_two_reads_of_a_date_never_mixes_generations(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned(f"T{n}") for n in range(20)])
    rebuilt = Writer(client, generation="g2")
    await rebuilt.claim()
    await rebuilt.sample()
    await rebuilt.write([planned(f"T{n}", operator="op-2") for n in range(20)])
    seen = set()

    for number in range(20):
        one = writer if number % 2 else rebuilt
        await one.sample()
        await one.go_live()
        await api.up_to_date()
        report = await api.get("/report", date=DAY)
        seen.add(tuple((o["operator"]["id"], o["planned"]) for o in report["operators"]))

    assert seen == {(("op-1", 20),), (("op-2", 20),)}


async def test_a_generation_that_stands_behind_is_shown_once_it_has_passed_the_old_one(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned(f"T{n}") for n in range(20)])
    await writer.sample()
    await until(lambda: planned_is(api, 20))
    before = await api.get("/report", date=DAY)
    rebuilt = Writer(client, generation="g2")
    await rebuilt.claim()
    await rebuilt.write([planned(f"T{n}", operator="op-2") for n in range(15)])
    await rebuilt.sample(age_s=5)

    await rebuilt.go_live()
    await api.up_to_date()
    held = await api.get("/report", date=DAY)
    another = await totals(api, date="2026-11-25")
    await rebuilt.write([planned(f"T{n}", operator="op-2") for n in range(15, 20)])
    await api.up_to_date()
    held_longer = await api.get("/report", date=DAY)
    await rebuilt.sample()
    await until(lambda: _operators(api, "op-2"), within_s=3)
    after = await api.get("/report", date=DAY)

    assert held == held_longer == before | {"computed_at": held["computed_at"]}
    assert another["planned"] == 0
    assert after["totals"]["planned"] == 20
    assert after["as_of"] >= before["as_of"]


async def _operators(api: Api, *expected: str) -> bool:
    report = await api.get("/report", date=DAY)
    return [line["operator"]["id"] for line in report["operators"]] == [*expected]


async def test_a_generation_that_never_passes_the_old_one_is_shown_in_the_end(
    client: redis.asyncio.Redis, writer: Writer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "OVERTAKING_S", 0.5)
    await writer.write([planned("T1"), planned("T2")])
    await until(lambda: planned_is(api, 2))
    rebuilt = Writer(client, generation="g2")
    await rebuilt.claim()
    await rebuilt.write([planned("T1")])

    await rebuilt.go_live()
    await api.up_to_date()
    assert await planned_is(api, 2)
    await until(lambda: planned_is(api, 1), within_s=3)


async def test_a_generation_that_is_behind_is_shown_at_once_if_the_old_one_is_gone(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1"), planned("T2")])
    await until(lambda: planned_is(api, 2))
    rebuilt = Writer(client, generation="g2")
    await rebuilt.claim()
    await rebuilt.write([planned("T1")])
    async for key in client.scan_iter("g1:*"):
        await client.unlink(key)

    await rebuilt.go_live()
    await api.up_to_date()
    assert await planned_is(api, 1)


async def test_an_emptied_redis_that_is_filled_again_shows_what_it_holds_now(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    """The new shards pass through the same seqs as the old ones: only the epoch tells them apart."""
    await writer.write([planned("T1", operator="op-1")])
    await until(lambda: planned_is(api, 1))

    await client.flushall()
    again = await Writer(client).start()
    await again.write([planned("T1", operator="op-2")])
    await api.up_to_date()

    assert [*await api.report(date=DAY)] == ["op-2"]


async def test_rows_that_are_gone_are_a_503_while_their_figures_are_still_shown(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await until(lambda: planned_is(api, 1))

    await client.flushall()
    assert await status(api, "/api/v1/contacts", date=DAY) == 503

    await until(lambda: _stale(api), within_s=3)
    assert await planned_is(api, 1)
    assert await status(api, "/api/v1/contacts", date=DAY) == 503


async def test_a_missing_pointer_keeps_the_last_report_and_marks_it_stale(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await until(lambda: planned_is(api, 1))

    await client.delete(LIVE)
    await until(lambda: _stale(api), within_s=3)
    assert await planned_is(api, 1)

    await writer.go_live()
    await until(lambda: _fresh(api))


async def _fresh(api: Api) -> bool:
    return not await _stale(api)


async def test_a_shard_that_is_missing_parked_or_behind_makes_the_report_stale(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await until(lambda: _fresh(api))

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


async def test_forgotten_dates_leave_the_carried_ones(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1", date="2026-11-01"), planned("T2", date="2026-11-20")])
    await api.up_to_date()
    before = (await totals(api))["overdue"]["carried"]

    for shard in writer.shards:
        await shard.advance_horizon("2026-11-10")
    await api.up_to_date()

    assert before == 2
    assert (await totals(api))["overdue"]["carried"] == 1


async def test_a_shard_too_large_for_one_script_is_read_in_portions(
    redis_url: str, writer: Writer, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shard_module, "BUDGET", 1)
    events = day_events()
    for first in range(0, len(events), 50):
        await writer.write(events[first : first + 50])

    async with running_api(redis_url, issuer, NOON) as api:
        for expected in load(GOLDEN / "days" / "expected.json")["reports"]:
            api.clock.now = expected["now"]
            found = await api.report(date=expected["date"], **expected["filters"])
            assert found == expected["operators"]
        whole = await api.get("/report", date_from="2026-09-01", date_to="2026-12-01")
        assert whole["totals"]["planned"] > 0


async def test_what_cannot_be_understood_keeps_the_last_report(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await until(lambda: planned_is(api, 1))
    keys = writer.shards[0].keys

    await client.hset(keys.cells(DAY), "no JSON", "1,2")
    await client.hset(keys.seqs, DAY, 10_000)
    await client.hset(keys.meta, "seq", 10_000)
    await until(lambda: _stale(api), within_s=3)
    assert await planned_is(api, 1)

    await client.hdel(keys.cells(DAY), "no JSON")
    await until(lambda: _fresh(api))


async def test_a_call_for_a_date_not_asked_for_costs_no_cells(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1"), planned("T2", date="2026-11-20"), called("T2")])
    await totals(api)
    await api.up_to_date()

    snapshot = api.state.mirror.snapshot
    assert snapshot is not None
    shards = [shard for shard in snapshot.shards if shard]

    assert {day for shard in shards for day in shard.cell_counts} == {DAY}
    assert {day for shard in shards for day in shard.open_contacts} == {DAY, "2026-11-20"}
