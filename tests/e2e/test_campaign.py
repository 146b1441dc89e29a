"""A real campaign, and a simulated day, through Kafka and the projector to the API's report."""

import csv
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from pydantic_core import to_json

from devkit.publishing.sending import Publisher
from devkit.simulator.campaign import DAYS, events
from devkit.simulator.campaign_profile import CAMPAIGN
from devkit.simulator.clock import HOUR, Clock
from devkit.simulator.day import timetable
from devkit.simulator.day_plan import DayPlan
from devkit.simulator.delivery_profile import DELIVERY
from devkit.simulator.profile import Profile
from devkit.simulator.survey import report
from projector.settings import Settings
from projector.supervisor import Supervisor
from support.api import Api, running_api
from support.issuer import running_issuer
from support.paths import CAMPAIGN_CSV
from support.topics import Topic
from support.waiting import until

MOSCOW = ZoneInfo("Europe/Moscow")


@asynccontextmanager
async def projecting(topic: Topic, redis_url: str) -> AsyncIterator[None]:
    """A projector of the topic into the Redis."""
    settings = Settings(
        kafka_bootstrap_servers=topic.bootstrap,
        events_topic=topic.events,
        dead_letter_topic=topic.dead_letters,
        group_id=topic.events,
        redis_url=redis_url,
    )
    async with Supervisor(settings).running():
        yield


@asynccontextmanager
async def pipeline(topic: Topic, redis_url: str, now: str | None = None) -> AsyncIterator[Api]:
    """Projector and API; `now` fixes the clock of the API."""
    async with (
        projecting(topic, redis_url),
        running_issuer() as issuer,
        running_api(redis_url, issuer, now) as api,
    ):

        async def readable() -> bool:
            return (await api.raw("/report")).status_code == 200

        await until(readable, within_s=30)
        yield api


async def publish(topic: Topic, made: Iterable[tuple[dict[str, Any], int | None]]) -> None:
    async with Publisher(topic.bootstrap, topic.events) as publisher:
        for event, milliseconds in made:
            await publisher.send(to_json(event), event["subject"], milliseconds)


async def caught_up(api: Api, count: int, **parameters: str) -> dict[str, Any]:
    """Returns the report as soon as it counts so many calls."""

    async def answer() -> dict[str, Any] | None:
        found: dict[str, Any] = await api.get("/report", **parameters)
        return found if found["totals"]["calls"] >= count else None

    return await until(answer, within_s=60, every_s=0.1)


def _name_or_hour(value: Profile | float) -> str:
    return value.name if isinstance(value, Profile) else f"{value:g}"


async def test_the_report_over_the_campaign_counts_what_its_file_counts(
    topic: Topic, redis_url: str
) -> None:
    with CAMPAIGN_CSV.open(newline="") as file:
        rows = list(csv.DictReader(file, delimiter=";"))
    contacts, calls = len(rows), sum(int(row["campaign"]) for row in rows)
    orders = sum(row["y"] == "yes" for row in rows)
    first = date.today() - timedelta(days=DAYS - 5)  # noqa: DTZ011 - a few days either way are well
    last = first + timedelta(days=DAYS - 1)

    async with pipeline(topic, redis_url) as api:
        await publish(topic, ((event, None) for event in events(CAMPAIGN_CSV, first)))
        period = {"date_from": first.isoformat(), "date_to": last.isoformat()}
        totals = (await caught_up(api, calls, **period))["totals"]
        assert (totals["planned"], totals["calls"], totals["orders"]) == (contacts, calls, orders)
        assert (contacts, calls, orders) == (4_119, 10_451, 451)
        assert totals["ordered"] == orders
        assert totals["active"]["total"] + totals["overdue"]["total"] == contacts - orders

        by_date = [
            (await api.get("/report", date=(first + timedelta(days=day)).isoformat()))["totals"]
            for day in range(DAYS)
        ]
        for name, count in (("planned", contacts), ("calls", calls), ("orders", orders)):
            assert sum(day[name] for day in by_date) == count


@pytest.mark.parametrize(
    ("profile", "hour"), [(CAMPAIGN, 11.5), (CAMPAIGN, 15), (DELIVERY, 15)], ids=_name_or_hour
)
async def test_report_of_a_simulated_day_matches_its_events(
    topic: Topic, redis_url: str, profile: Profile, hour: float
) -> None:
    day = date.today()  # noqa: DTZ011 - any date within the retention is well
    clock = Clock.of_date(day, MOSCOW)
    plan = DayPlan(clock, 12, 600, profile=profile, days_before=profile.days_before)
    timed = timetable(plan)
    expected = report(timed, plan, hour)
    told = [one for one in timed if one.reported <= hour * HOUR]
    now = plan.clock.text(hour * HOUR)

    async with pipeline(topic, redis_url, now) as api:
        await publish(
            topic, ((one.event, int(plan.clock.moment(one.second) * 1000)) for one in told)
        )

        async def answer() -> dict[str, Any] | None:
            totals: dict[str, Any] = (await api.get("/report", date=day.isoformat()))["totals"]
            return totals if figures(totals) == expected else None

        totals = await until(answer, within_s=30)
        assert totals["planned"] > 500


def figures(totals: dict[str, Any]) -> dict[str, int]:
    """The totals as `devkit.simulator.survey` names them."""
    flat: dict[str, int] = {}
    for name, value in totals.items():
        if isinstance(value, dict):
            flat |= {f"{name}.{part}": count for part, count in value.items() if part != "total"}
        elif not name.endswith("percent"):
            flat[name] = value
    return flat
