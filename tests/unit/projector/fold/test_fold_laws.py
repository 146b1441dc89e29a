"""The laws of the fold: only the content of events decides what a shard holds, not how they arrive."""

import copy
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic_core import from_json, to_json

from chaos.independent import Rules
from contracts.keys import NAMES_SEQ
from contracts.values import (
    COUNTERS,
    HOUR_BUCKETS,
    HOUR_MEASURES,
    Cell,
    NameEntry,
    OpenKey,
    row_field,
    row_pointer,
)
from projector.fold.calendar import Calendar
from projector.fold.cells import cells, hours, open_counts
from projector.fold.contacts import History, contacts
from projector.fold.expected import Expected
from projector.fold.facts import Fact, fact_of_event, fact_of_packed
from projector.fold.task import last_deliveries, latest_names, listings
from support.folded import contacts_of, course_of, report_of, tasks_of, without_percentages
from support.memory_shard import KEYS, MemoryShard
from support.strategies import DAYS, OPERATORS, histories

MOSCOW = Calendar(ZoneInfo("Europe/Moscow"))
DATE = re.compile(r"\d{4}-\d\d-\d\d")
CALENDARS = st.sampled_from(
    [MOSCOW, Calendar(ZoneInfo("Asia/Vladivostok"), 20 * 60), Calendar(ZoneInfo("UTC"), 1)]
)
ZONES = st.sampled_from(
    [("Europe/Moscow", "24:00"), ("Asia/Vladivostok", "20:00"), ("UTC", "00:01")]
)
PROCESSED = ("ordered", "postponed", "no_contact", "refused", "drop_closed")
"""The counters that make up the numerator of processed_percent."""
MOMENTS = st.integers(0, 5 * 24 * 60).map(
    lambda minutes: datetime(2026, 11, 22, tzinfo=UTC) + timedelta(minutes=minutes)
)


def from_scratch(events: list[dict[str, Any]], calendar: Calendar) -> dict[str, dict[str, bytes]]:
    """What a shard must hold, computed without the projection: whole tasks, plain sums."""
    tasks = tasks_of(events, calendar)
    found = [(name, contact) for name, task in tasks.items() for contact in task.contacts]
    hashes: dict[str, dict[str, bytes]] = {}

    def put(key: str, name: str, value: bytes) -> None:
        hashes.setdefault(key, {})[name] = value

    for (date, *rest), counts in cells(contact for _, contact in found).items():
        put(KEYS.cells(date), Cell(*rest).encode(), ",".join(map(str, counts)).encode())
    for (date, *rest), slots in hours(contact for _, contact in found).items():
        course = ",".join(f"{slot}:{slots[slot]}" for slot in range(104) if slots.get(slot))
        put(KEYS.hours(date), Cell(*rest).encode(), course.encode())
    for bucket, number in open_counts(contact for _, contact in found).items():
        put(KEYS.open(bucket[0]), OpenKey(*bucket[1:]).encode(), str(number).encode())
    for task_id, contact in found:
        for place, is_held in listings(contact).items():
            value = to_json(contact[1:-1]) if is_held else row_pointer(contact.operator)
            put(KEYS.rows(*place), row_field(task_id, contact.contact_no), value)
    facts = {name: list(task.facts.values()) for name, task in tasks.items()}
    for (kind, named), entry in latest_names(f for many in facts.values() for f in many).items():
        put(KEYS.names(kind), named, to_json(entry))
    for many in facts.values():
        for address, date in last_deliveries(many, calendar).items():
            known = hashes.get(KEYS.deliveries, {}).get(address, b"")
            put(KEYS.deliveries, address, max(known, date.encode()))
    for task_id, task in tasks.items():
        put(KEYS.docs, task_id, task.encode())
    return hashes


@settings(max_examples=3 * settings().max_examples, deadline=None)
@given(events=histories(), calendar=CALENDARS, seed=st.integers(0, 2**32))
def test_order_duplicates_and_batches_never_change_the_result(
    events: list[dict[str, Any]], calendar: Calendar, seed: int
) -> None:
    chance = random.Random(seed)
    arrived = events + chance.choices(events, k=len(events) // 3)
    chance.shuffle(arrived)
    shard = MemoryShard(calendar)
    while arrived:
        size = chance.randint(1, 8)
        shard.apply(arrived[:size])
        arrived = arrived[size:]
        if chance.random() < 0.2:
            shard.restart()
    assert shard.hashes == from_scratch(events, calendar)


@given(events=histories(), seed=st.integers(0, 2**32))
def test_seqs_that_move_are_those_of_the_dates_and_names_that_changed(
    events: list[dict[str, Any]], seed: int
) -> None:
    """Readers read again only what has moved; what moves without need costs them a read."""
    chance = random.Random(seed)
    shard = MemoryShard(MOSCOW)
    while events:
        size = chance.randint(1, 8)
        before, shown = copy.deepcopy(shard.hashes), shown_names(shard)
        change = shard.apply(events[:size])
        events = events[size:]
        keys = before.keys() | shard.hashes.keys()
        changed = {key for key in keys if before.get(key) != shard.hashes.get(key)}
        dates = {found[0] for key in changed if (found := DATE.findall(key))}
        assert dates <= change.moved
        assert (shown != shown_names(shard)) <= (NAMES_SEQ in change.moved)


def shown_names(shard: MemoryShard) -> dict[tuple[str, str], str]:
    """The names that the report shows, by kind and id."""
    return {
        (kind, named): NameEntry.decode(value).text
        for kind in ("operator", "manager")
        for named, value in shard.hashes.get(KEYS.names(kind), {}).items()
    }


@given(events=histories(), calendar=CALENDARS)
def test_conservation_holds_for_every_operator_date_and_moment(
    events: list[dict[str, Any]], calendar: Calendar
) -> None:
    found = [c for task in tasks_of(events, calendar).values() for c in task.contacts]
    counted: Counter[tuple[str, str | None, str]] = Counter()
    for (date, operator, *_), counts in cells(found).items():
        for name, number in zip(COUNTERS, counts, strict=True):
            counted[date, operator, name] += number
    buckets = open_counts(found)
    moments = {deadline + step for *_, deadline, _ in buckets for step in (-1, 0)} | {0}
    for date, operator, _ in list(counted):
        closed = sum(counted[date, operator, name] for name in PROCESSED)
        for now in moments:
            mine = [
                (deadline, number)
                for (day, op, _, _, deadline, _), number in buckets.items()
                if (day, op) == (date, operator)
            ]
            active = sum(number for deadline, number in mine if now < deadline)
            overdue = sum(number for deadline, number in mine if now >= deadline)
            assert counted[date, operator, "planned"] == active + overdue + closed


@given(events=histories(), zone=ZONES, now=MOMENTS, date=st.sampled_from(DAYS))
def test_report_is_the_one_that_the_independent_fold_gives(
    events: list[dict[str, Any]], zone: tuple[str, str], now: datetime, date: str
) -> None:
    """Two implementations that share no code agree on any history, at any moment."""
    rules = Rules(*zone)
    expected = rules.report(rules.contacts(events), date, now)
    found = report_of(contacts_of(events, Calendar.of(*zone)), date, now)
    assert found == without_percentages(expected)


@given(events=histories(), zone=ZONES, date=st.sampled_from(DAYS))
def test_hours_are_those_that_the_independent_fold_gives(
    events: list[dict[str, Any]], zone: tuple[str, str], date: str
) -> None:
    rules = Rules(*zone)
    theirs, ours = rules.contacts(events), contacts_of(events, Calendar.of(*zone))
    for operator_id in (None, "", *OPERATORS):
        expected = rules.hours(theirs, date, operator_id=operator_id)
        assert course_of(ours, date, operator_id=operator_id) == expected


@given(events=histories(), calendar=CALENDARS)
def test_hours_of_each_cell_sum_to_its_counters(
    events: list[dict[str, Any]], calendar: Calendar
) -> None:
    """So they do under every filter and restriction, since these choose cells."""
    found = [c for task in tasks_of(events, calendar).values() for c in task.contacts]
    courses = hours(found)
    counted = cells(found)
    assert courses.keys() <= counted.keys()
    for cell, counts in counted.items():
        figures = dict(zip(COUNTERS, counts, strict=True))
        figures["processed"] = sum(figures[name] for name in PROCESSED)
        sums = dict.fromkeys(HOUR_MEASURES, 0)
        for slot, number in courses.get(cell, {}).items():
            assert 0 <= slot < HOUR_BUCKETS * len(HOUR_MEASURES)
            sums[HOUR_MEASURES[slot % len(HOUR_MEASURES)]] += number
        assert sums == {name: figures[name] for name in HOUR_MEASURES}


@given(events=histories(), calendar=CALENDARS, seed=st.integers(0, 2**32))
def test_what_verify_expects_is_what_the_projection_holds(
    events: list[dict[str, Any]], calendar: Calendar, seed: int
) -> None:
    """In any order and portions; the documents are compared elsewhere."""
    chance = random.Random(seed)
    arrived = chance.choices(events, k=len(events) // 3) + events
    chance.shuffle(arrived)
    expected = Expected(KEYS, calendar)
    while arrived:
        facts: dict[str, list[Fact]] = {}
        for event in arrived[:5]:
            facts.setdefault(event["subject"], []).append(fact_of_event(event))
        assert not expected.add(facts)
        arrived = arrived[5:]
    found = expected.names() | {KEYS.deliveries: expected.deliveries()}
    for date in expected.dates():
        found |= expected.hashes(date, "0001-01-01")
    held = from_scratch(events, calendar)
    del held[KEYS.docs]
    assert {key: fields for key, fields in found.items() if fields} == {
        key: {name.encode(): value for name, value in fields.items()}
        for key, fields in held.items()
    }


@given(events=histories(), calendar=CALENDARS, seed=st.integers(0, 2**32))
def test_appending_facts_is_like_folding_them_at_once(
    events: list[dict[str, Any]], calendar: Calendar, seed: int
) -> None:
    facts: dict[tuple[str, str], Fact] = {}
    for event in events:
        if event["subject"] == "T1":
            facts.setdefault((event["source"], event["id"]), fact_of_event(event))
    arrived = list(facts.values())
    random.Random(seed).shuffle(arrived)
    history = History([], calendar)
    for number, fact in enumerate(arrived, 1):
        if not history.append(fact):
            history = History(arrived[:number], calendar)
        assert history.contacts() == contacts(arrived[:number], calendar)


@given(events=histories())
def test_fact_is_the_same_after_a_round_trip_through_its_document(
    events: list[dict[str, Any]],
) -> None:
    for event in events:
        fact = fact_of_event(event)
        assert fact_of_packed(from_json(fact.packed)) == fact
