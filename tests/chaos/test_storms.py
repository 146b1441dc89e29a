"""A bad deploy of a publisher: its shard parks before anything is lost, the others continue."""

import asyncio
import re
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import datetime
from itertools import count, islice
from typing import Any

import httpx
from aiokafka.partitioner import murmur2

from chaos.histories import ZONE
from chaos.independent import Event
from chaos.load import Load, flowing, under_load
from chaos.projectors import Deployment, ProjectorProcess
from chaos.readers import served_api
from contracts.meta import Meta
from projector.consumer.storm import WINDOW
from support.events import cloud_event
from support.topics import end_offsets, read_all
from support.waiting import until

STRUCK = 3
"""The partition to which all tasks of that publisher belong."""

RATE, LEAST_RATE = 2_150, 2_000
"""Events a second of all other publishers."""

FILLED = WINDOW + 2_000
"""Good records of the partition before the storm: more than its window holds."""

STORM_RATE = 1_500


class Publisher(Load):
    """Plans in one partition; after a bad deploy none of them is valid."""

    def __init__(self, rate: int, partitions: int, *, name: str, is_broken: bool = False) -> None:
        super().__init__(0, rate)
        self._plans = _plans(name, partitions, is_broken=is_broken)

    def take(self, number: int) -> list[Event]:
        taken = [next(self._plans) for _ in range(number)]
        self.sent += number
        self.events += taken
        return taken


def _plans(name: str, partitions: int, *, is_broken: bool) -> Iterator[Event]:
    for number in count():
        task = f"{name}-{number}"
        if (murmur2(task.encode()) & 0x7FFFFFFF) % partitions == STRUCK:
            yield _plan(task, number, is_broken=is_broken)


def _plan(task: str, number: int, *, is_broken: bool) -> Event:
    today = datetime.now(ZONE)
    data = {
        "operator": {"id": f"op-{number % 40}", "name": f"Оператор {number % 40}"},
        "client": {"id": f"c-{task}", "name": f"Клиент {number}"},
        "address": {"id": f"a-{task}", "text": f"дом {number}"},
        "contactDate" if is_broken else "contact_date": today.date().isoformat(),
    }
    return cloud_event("planned", task, today.isoformat(), data, id=f"plan-{task}", source="/crm")


class Repaired(Load):
    """What a broken publisher has sent, corrected; then it continues with good events."""

    def __init__(self, sent: list[Event], rate: int) -> None:
        super().__init__(0, rate)
        self._left = iter([_repaired(event) for event in sent])

    def take(self, number: int) -> list[Event]:
        taken = list(islice(self._left, number))
        self.sent += len(taken)
        self.events += taken
        return taken


def _repaired(event: Event) -> Event:
    data = dict(event["data"])
    data["contact_date"] = data.pop("contactDate")
    return {**event, "data": data}


async def test_shard_resumes_when_the_storm_is_accepted(deployment: Deployment) -> None:
    filled, projector = await _filled(deployment)
    async with (
        _shown(deployment) as shown,
        under_load(deployment.topic.bootstrap, deployment.topic.events, seed=71, rate=RATE) as load,
        _storm(deployment) as storm,
    ):
        await _parked(deployment, projector, shown)
        await _others_go_on(deployment)
        projector.child.kill()
        again = deployment.projector("again")
        await _parked(deployment, again, shown)
    end = (await end_offsets(deployment.topic))[STRUCK]
    assert "storm_over" not in again.log, "nobody has mended the publisher yet"
    arguments = ("run", "--accept-through", str(end - 1), "--partition", str(STRUCK))
    accepting = deployment.projector("accepting", *arguments)
    await _checked(deployment, "accepted", [*load.events, *filled.events], storm, load)
    await _whole_again(deployment, again, accepting)


async def test_shard_resumes_when_the_publisher_is_fixed(deployment: Deployment) -> None:
    filled, projector = await _filled(deployment)
    async with (
        _shown(deployment) as shown,
        under_load(deployment.topic.bootstrap, deployment.topic.events, seed=72, rate=RATE) as load,
    ):
        async with _storm(deployment) as storm:
            await _parked(deployment, projector, shown)
        mended = Repaired(storm.events, STORM_RATE)
        async with flowing(mended, deployment.topic.bootstrap, deployment.topic.events):
            await until(lambda: mended.sent == storm.sent, within_s=60.0)
        await until(lambda: "storm_over" in projector.log, within_s=30.0)
        await _others_go_on(deployment)
    events = [*load.events, *filled.events, *mended.events]
    await _checked(deployment, "the publisher mended", events, storm, load)
    await _whole_again(deployment, projector)


async def _filled(deployment: Deployment) -> tuple[Publisher, ProjectorProcess]:
    """Fill a partition with more good records than the window holds, all applied."""
    projector = deployment.projector("first")
    await projector.ready()
    filled = Publisher(10_000, deployment.topic.partitions, name="good")
    await filled.run(deployment.topic.bootstrap, deployment.topic.events, most=FILLED)
    await deployment.caught_up()
    return filled, projector


@asynccontextmanager
async def _storm(deployment: Deployment) -> AsyncIterator[Publisher]:
    broken = Publisher(STORM_RATE, deployment.topic.partitions, name="broken", is_broken=True)
    async with flowing(broken, deployment.topic.bootstrap, deployment.topic.events):
        yield broken


@asynccontextmanager
async def _shown(deployment: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    """An API that holds today's report."""
    async with served_api(deployment) as client:

        async def is_fresh() -> bool:
            try:
                answer = await client.get("/api/v1/report")
            except httpx.HTTPError:
                return False
            return answer.status_code == 200 and not answer.json()["stale"]

        await until(is_fresh, within_s=60.0, every_s=0.1)
        yield client


async def _parked(
    deployment: Deployment, projector: ProjectorProcess, shown: httpx.AsyncClient
) -> None:
    """Wait until only that shard is parked; meta, projector and API must say so, and why."""

    async def meta() -> Meta | None:
        found = (await deployment.metas())[STRUCK]
        return found if found and found.parked else None

    def is_logged() -> bool:
        return any(
            "shard_parked" in line and f'"partition": {STRUCK}' in line
            for line in projector.log.splitlines()
        )

    await until(is_logged, within_s=60.0, every_s=0.1)
    parked = await until(meta, within_s=10.0)
    why = parked.parked or ""
    said = re.search(r"dead-letter storm: (\d+) of the last (\d+) records", why)
    assert said, why
    assert int(said[2]) == WINDOW
    assert int(said[1]) > WINDOW / 2
    assert "'invalid'" in why
    assert f"--partition {STRUCK}" in why
    dead = (await deployment.dead()).get("invalid", 0)
    assert dead <= WINDOW / 2, "the batch that crossed the limit was applied"
    others = [
        found.parked for at, found in enumerate(await deployment.metas()) if found and at != STRUCK
    ]
    assert not any(others), others

    status, body = await projector.health()
    assert status == 503
    assert "parked: dead-letter storm" in body
    assert body.count("parked") == 1, "another shard is parked, too"
    _, metrics = await projector.health("/metrics")
    assert f'obzvon_parked{{partition="{STRUCK}"}} 1.0' in metrics

    async def is_in_report() -> bool:
        report = (await shown.get("/api/v1/report")).json()
        return bool(report["stale_reason"] == f"shard {STRUCK} is parked: {why}")

    await until(is_in_report, within_s=10.0)


async def _others_go_on(deployment: Deployment) -> None:
    """Every other shard reaches the present end of its partition; its owner stays the same."""
    ends = await end_offsets(deployment.topic)

    async def have_gone_on() -> bool:
        return all(
            meta and meta.offset >= ends[at]
            for at, meta in enumerate(await deployment.metas())
            if at != STRUCK
        )

    await until(have_gone_on, within_s=30.0, every_s=0.1)


async def _checked(
    deployment: Deployment, how: str, events: list[Event], storm: Publisher, load: Load
) -> None:
    """Check that all good events count and all bad ones are dead letters, each with its offset."""
    assert load.slowest() >= LEAST_RATE
    await deployment.check(
        f"a storm of dead letters parks its shard: {how}",
        events,
        faults=storm.sent,
        rate=load.slowest(),
    )
    assert await deployment.dead() == {"invalid": storm.sent}
    bad = {
        record.offset
        for record in await read_all(deployment.topic.bootstrap, deployment.topic.events, STRUCK)
        if b"contactDate" in record.value
    }
    letters = await read_all(deployment.topic.bootstrap, deployment.topic.dead_letters)
    assert len(bad) == storm.sent
    assert {_origin(letter) for letter in letters} == {(STRUCK, offset) for offset in bad}


async def _whole_again(deployment: Deployment, *projectors: ProjectorProcess) -> None:
    await asyncio.gather(*(one.ready() for one in projectors))
    assert not any(meta and meta.parked for meta in await deployment.metas())


def _origin(letter: Any) -> tuple[int, int]:
    headers = dict(letter.headers)
    return int(headers["obzvon-dlq-partition"]), int(headers["obzvon-dlq-offset"])
