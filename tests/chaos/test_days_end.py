"""A hundred thousand contacts become overdue in one minute: shown at once, without any write."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis.asyncio

from chaos import results
from chaos.histories import ZONE
from chaos.load import Load
from chaos.projectors import Deployment
from contracts.keys import ShardKeys
from runtime.redis import RedisClient
from support.api import Api, served_api
from support.events import cloud_event
from support.issuer import running_issuer
from support.waiting import until

CONTACTS = 100_000

OPERATORS = 50

WITHIN_S = 1.0


class Open(Load):
    """Plans, one a task, all due at the same minute."""

    def __init__(self, due_at: datetime) -> None:
        super().__init__(51, rate=20_000)
        self._due_at = due_at.isoformat()
        self._day = due_at.date().isoformat()

    def take(self, number: int) -> list[dict[str, Any]]:
        first = len(self.events)
        taken = [self._plan(at) for at in range(first, first + number)]
        self.events += taken
        self.sent += number
        return taken

    def _plan(self, at: int) -> dict[str, Any]:
        operator = at % OPERATORS
        data = {
            "client": {"id": f"c-{at}", "name": f"Клиент {at}"},
            "address": {"id": f"a-{at}", "text": f"дом {at}"},
            "contact_date": self._day,
            "operator": {"id": f"op-{operator}", "name": f"Оператор {operator}"},
            "due_at": self._due_at,
        }
        now = datetime.now(ZONE).isoformat()
        return cloud_event("planned", f"task-{at}", now, data, id=f"plan-{at}", source="/crm")


class Shifted:
    """A clock that runs like the real one, but ahead of it."""

    now: str | None = None

    def __init__(self) -> None:
        self.ahead = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


async def test_contacts_are_overdue_within_a_second_and_nothing_is_written(
    deployment: Deployment, monkeypatch: pytest.MonkeyPatch
) -> None:
    noon = datetime.now(ZONE).replace(hour=12, minute=0, second=0, microsecond=0)
    deadline = noon + timedelta(days=1)
    load = Open(deadline)
    await deployment.projector().ready()
    await load.run(deployment.topic.bootstrap, deployment.topic.events, most=CONTACTS)
    count = len(load.events)
    await deployment.caught_up()
    clock = Shifted()
    monkeypatch.setattr("support.api.Clock", lambda _now: clock)
    async with running_issuer() as issuer, served_api(deployment.redis_url, issuer) as api:
        await asyncio.wait_for(api.state.mirror.reread(), 60)
        clock.ahead = deadline - timedelta(seconds=8) - datetime.now(UTC)
        before = await written(deployment)
        day = deadline.date().isoformat()
        first = (await api.get("/report", date=day))["totals"]
        assert (first["active"]["total"], first["overdue"]["total"]) == (count, 0)
        in_report, in_stream = await asyncio.gather(
            asyncio.wait_for(_in_report(api, clock, day, count), 30),
            asyncio.wait_for(_in_stream(api, clock, day, count), 30),
        )
        late = [(seen - deadline).total_seconds() for seen in (in_report, in_stream)]
        assert await written(deployment) == before
    differences = await deployment.verified()
    results.record(
        f"day's end: {CONTACTS:,} contacts overdue at once",
        faults=1,
        events=count,
        differences=differences,
        note=f"in the report after {late[0]:.2f} s, in the stream after {late[1]:.2f} s",
    )
    assert differences == 0
    assert 0 <= max(late) < WITHIN_S


async def written(deployment: Deployment) -> list[object]:
    """Returns everything of the shards except their meta, which changes with freshness."""
    client: RedisClient = redis.asyncio.from_url(deployment.redis_url)
    found: list[object] = []
    try:
        for shard in range(deployment.topic.partitions):
            keys = ShardKeys("g1", shard)
            found.append(await client.hgetall(keys.seqs))
            names = sorted([name async for name in client.scan_iter(match=keys.pattern())])
            found.append([(name, await client.hlen(name)) for name in names])
    finally:
        await client.aclose()
    return found


async def _in_report(api: Api, clock: Shifted, day: str, count: int) -> datetime:
    async def shows_it() -> bool:
        report = await api.get("/report", date=day)
        return bool(report["totals"]["overdue"]["total"] == count)

    await until(shows_it, within_s=30.0)
    return clock()


async def _in_stream(api: Api, clock: Shifted, day: str, count: int) -> datetime:
    async with api.client.stream("GET", "/api/v1/stream", params={"date": day}) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data:"):
                totals = json.loads(line.removeprefix("data:")).get("totals")
                if totals and totals["overdue"]["total"] == count:
                    return clock()
    raise AssertionError("the stream ended")
