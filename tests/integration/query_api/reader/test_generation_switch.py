"""What the API shows while another generation becomes live."""

import pytest
import redis.asyncio

from query_api.reader import mirror as mirror_module
from support.api import Api
from support.events import DAY, planned
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_a_switch_to_another_generation_is_followed(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    rebuilt = Writer(client, generation="g2", partitions=2)
    await rebuilt.claim()
    await rebuilt.sample()
    await rebuilt.write([planned("T1"), planned("T2")])
    await until(lambda: api.shows_planned(1))

    await rebuilt.go_live()
    await until(lambda: api.shows_planned(2), within_s=3)
    async for key in client.scan_iter("g1:*"):
        await client.unlink(key)
    await api.up_to_date()

    assert await api.shows_planned(2)
    assert not await api.is_stale()


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


async def test_generation_that_is_behind_is_shown_once_it_has_passed_the_old_one(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned(f"T{n}") for n in range(20)])
    await writer.sample()
    await until(lambda: api.shows_planned(20))
    before = await api.get("/report", date=DAY)
    rebuilt = Writer(client, generation="g2")
    await rebuilt.claim()
    await rebuilt.write([planned(f"T{n}", operator="op-2") for n in range(15)])
    await rebuilt.sample(age_s=5)

    await rebuilt.go_live()
    await api.up_to_date()
    held = await api.get("/report", date=DAY)
    another = await api.totals(date="2026-11-25")
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


async def test_generation_that_never_passes_the_old_one_is_shown_after_a_time_limit(
    client: redis.asyncio.Redis, writer: Writer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror_module, "OVERTAKING_S", 0.5)
    await writer.write([planned("T1"), planned("T2")])
    await until(lambda: api.shows_planned(2))
    rebuilt = Writer(client, generation="g2")
    await rebuilt.claim()
    await rebuilt.write([planned("T1")])

    await rebuilt.go_live()
    await api.up_to_date()
    assert await api.shows_planned(2)
    await until(lambda: api.shows_planned(1), within_s=3)


async def test_a_generation_that_is_behind_is_shown_at_once_if_the_old_one_is_gone(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1"), planned("T2")])
    await until(lambda: api.shows_planned(2))
    rebuilt = Writer(client, generation="g2")
    await rebuilt.claim()
    await rebuilt.write([planned("T1")])
    async for key in client.scan_iter("g1:*"):
        await client.unlink(key)

    await rebuilt.go_live()
    await api.up_to_date()
    assert await api.shows_planned(1)
