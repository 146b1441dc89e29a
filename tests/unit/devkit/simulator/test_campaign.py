"""The real campaign as events, compared with numbers counted directly from its file."""

import csv
import json
from collections import Counter, defaultdict
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contracts.events import EVENT_ADAPTER
from contracts.values import COUNTERS
from devkit.simulator.campaign import DAYS, events
from devkit.simulator.campaign_sample import campaign_contacts, table_of
from projector.fold.calendar import Calendar
from projector.fold.cells import cells
from projector.fold.contacts import contacts
from projector.fold.facts import fact_of_event
from support.paths import CAMPAIGN_CSV, ROOT

FIRST_DAY = date(2025, 9, 3)


@pytest.fixture(scope="module")
def rows() -> list[dict[str, str]]:
    with CAMPAIGN_CSV.open(newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


@pytest.fixture(scope="module")
def campaign() -> list[dict[str, Any]]:
    return list(events(CAMPAIGN_CSV, FIRST_DAY))


@pytest.fixture(scope="module")
def figures(campaign: list[dict[str, Any]]) -> dict[str, Counter[str]]:
    """Counters by contact date, folded from the events."""
    tasks = defaultdict(list)
    for event in campaign:
        tasks[event["subject"]].append(fact_of_event(event))
    calendar = Calendar(ZoneInfo("Europe/Moscow"))
    by_date: dict[str, Counter[str]] = defaultdict(Counter)
    for facts in tasks.values():
        for (day, *_cell), counts in cells(contacts(facts, calendar)).items():
            by_date[day].update(dict(zip(COUNTERS, counts, strict=True)))
    return by_date


def test_the_fold_counts_what_the_file_counts(
    rows: list[dict[str, str]], figures: dict[str, Counter[str]]
) -> None:
    total = sum(figures.values(), Counter[str]())
    assert total["planned"] == len(rows) == 4_119
    assert total["calls"] == sum(int(row["campaign"]) for row in rows) == 10_451
    assert total["ordered"] == total["orders"] == sum(row["y"] == "yes" for row in rows) == 451


def test_a_weekday_of_a_month_is_one_contact_date(
    rows: list[dict[str, str]], figures: dict[str, Counter[str]]
) -> None:
    of_pair = Counter((row["month"], row["day_of_week"]) for row in rows)
    assert sorted(of_pair.values()) == sorted(counts["planned"] for counts in figures.values())
    assert len(of_pair) == len(figures)


def test_each_contact_date_falls_on_its_weekday(
    rows: list[dict[str, str]], figures: dict[str, Counter[str]]
) -> None:
    of_weekday = Counter(row["day_of_week"] for row in rows)
    found = Counter[str]()
    for day, counts in figures.items():
        found[date.fromisoformat(day).strftime("%a").lower()] += counts["planned"]
    assert found == of_weekday


@pytest.mark.parametrize("offset", range(7))
def test_the_dates_lie_within_one_range_whatever_weekday_it_begins_on(offset: int) -> None:
    first = FIRST_DAY + timedelta(days=offset)
    days = {
        date.fromisoformat(event["data"]["contact_date"])
        for event in events(CAMPAIGN_CSV, first)
        if event["type"] == "task-planned.v1"
    }
    assert first <= min(days)
    assert max(days) < first + timedelta(days=DAYS)


def test_every_event_is_valid_and_in_order_of_time(campaign: list[dict[str, Any]]) -> None:
    models = [EVENT_ADAPTER.validate_json(json.dumps(event)) for event in campaign]
    assert all(earlier.time <= later.time for earlier, later in pairwise(models))
    assert len({(model.source, model.id) for model in models}) == len(models) == 4_119 + 10_451


def test_last_calls_have_the_durations_of_the_file(
    rows: list[dict[str, str]], campaign: list[dict[str, Any]]
) -> None:
    durations = [event["data"]["duration_s"] for event in campaign if "duration_s" in event["data"]]
    assert sorted(durations) == sorted(int(row["duration"]) for row in rows)


def test_events_depend_only_on_the_first_day(
    campaign: list[dict[str, Any]],
) -> None:
    assert list(events(CAMPAIGN_CSV, FIRST_DAY)) == campaign
    other = events(CAMPAIGN_CSV, FIRST_DAY + timedelta(weeks=1))
    assert not {event["id"] for event in campaign} & {event["id"] for event in other}


def test_the_simulators_table_is_derived_from_the_file(rows: list[dict[str, str]]) -> None:
    table = ROOT / "devkit/src/devkit/simulator/data/campaign_sample.csv"
    assert table.read_text() == table_of(CAMPAIGN_CSV)
    assert [(d.calls, d.duration_s, d.is_success) for d in campaign_contacts()] == [
        (int(row["campaign"]), int(row["duration"]), row["y"] == "yes") for row in rows
    ]
