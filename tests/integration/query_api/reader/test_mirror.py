"""How the API follows changes of the shards, and how much it reads for that."""

from pathlib import Path

import pytest
import redis.asyncio

from contracts.keys import CHANGES
from devkit.stack.engines import EmbeddedRedis
from query_api.reader import shard as shard_module
from query_api.reader import subscription
from support.api import Api, running_api
from support.events import DAY, NOON, called, planned
from support.golden import GOLDEN, day_events, load
from support.issuer import Issuer
from support.proxy import proxy
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_change_without_a_hint_is_seen_at_the_next_poll(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await until(lambda: _subscribers(client))
    await client.client_kill_filter(_type="pubsub")
    await writer.write([planned("T1")])

    await until(lambda: api.shows_planned(1), within_s=3)


async def test_lost_subscription_is_restored(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    await until(lambda: _subscribers(client))
    await client.client_kill_filter(_type="pubsub")
    await until(lambda: _subscribers(client))


async def test_subscription_is_renewed_if_its_name_leads_to_another_server(
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


async def test_malformed_hints_change_nothing(
    client: redis.asyncio.Redis, writer: Writer, api: Api
) -> None:
    for odd in (b"", b"{}", b"[1]", b'["g1",99,5,[]]', b'["g7",0,5,[]]', b"\xff", b"null"):
        await client.publish(CHANGES, odd)
    await writer.write([planned("T1")])

    await until(lambda: api.shows_planned(1), within_s=3)


async def test_forgotten_dates_no_longer_count_as_carried(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1", date="2026-11-01"), planned("T2", date="2026-11-20")])
    await api.up_to_date()
    before = (await api.totals())["overdue"]["carried"]

    for shard in writer.shards:
        await shard.advance_horizon("2026-11-10")
    await api.up_to_date()

    assert before == 2
    assert (await api.totals())["overdue"]["carried"] == 1


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


async def test_change_of_a_date_nobody_asked_for_reads_no_cells(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1"), planned("T2", date="2026-11-20"), called("T2")])
    await api.totals()
    await api.up_to_date()

    snapshot = api.state.mirror.snapshot
    assert snapshot is not None
    shards = [shard for shard in snapshot.shards if shard]

    assert {day for shard in shards for day in shard.cell_counts} == {DAY}
    assert {day for shard in shards for day in shard.open_contacts} == {DAY, "2026-11-20"}
