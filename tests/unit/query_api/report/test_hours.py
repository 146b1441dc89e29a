"""The course of a day over the shards of a snapshot."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chaos.independent import Rules
from contracts.keys import Fingerprint
from contracts.values import HOUR_MEASURES
from projector.fold.calendar import Calendar
from query_api.report.hour_counts import EMPTY_COURSE, SLOTS, HourCounts
from query_api.report.hours import BUCKETS, NoHours, course_of_day, hours_of
from query_api.report.merge import merge
from query_api.report.report_json import PROCESSED, figures
from query_api.report.scope import EVERYTHING, Period, Scope
from query_api.report.snapshot import CellCounts, Shard, Snapshot
from support.courses import without_empty
from support.events import DAY
from support.golden import GOLDEN, RULES, day_events, load
from support.row_histories import DAYS, OPERATORS, histories
from support.scopes import operator_ids, scopes
from support.snapshots import META, snapshot_of

FINGERPRINT = Fingerprint(
    fold=2,
    timezone="Europe/Moscow",
    day_end="24:00",
    retention_days=92,
    topic="t",
    partitions=2,
)


def shard(*flat: bytes) -> Shard:
    return Shard(META, {DAY: 1}, {DAY: CellCounts({}, HourCounts(flat))}, {}, {})


def snapshot(*shards: Shard | None, fold: int = 2) -> Snapshot:
    return Snapshot("g7", FINGERPRINT.model_copy(update={"fold": fold}), shards)


BOTH = snapshot(
    shard(b'["op-1","mgr-1",null]', b"44:2,103:1", b'["op-2","mgr-2",null]', b"44:5"),
    shard(b'["op-1",null,null]', b"44:1", b'[null,"mgr-1",null]', b"0:1"),
    None,
)


def test_the_course_sums_operators_and_shards() -> None:
    course = course_of_day(BOTH, DAY, EVERYTHING, None)

    assert {slot: count for slot, count in enumerate(course) if count} == {0: 1, 44: 8, 103: 1}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_a_golden_rule_gives_its_hours(path: Path) -> None:
    rule = load(path)
    snapshot = snapshot_of(rule["events"], Calendar.of(rule["timezone"], rule["day_end"]))

    for date, expected in rule["hours"].items():
        assert without_empty(hours_of(course_of_day(snapshot, date, EVERYTHING, None))) == expected


def test_golden_days_give_their_courses() -> None:
    snapshot = snapshot_of(day_events())

    for expected in load(GOLDEN / "days" / "expected_hours.json")["hours"]:
        filters = expected["filters"]
        scope = Scope(filters.get("manager_id"), filters.get("plan_date"))
        course = course_of_day(snapshot, expected["date"], scope, filters.get("operator_id"))
        assert hours_of(course) == expected["hours"]


@pytest.mark.parametrize(
    ("scope", "operator_id", "calls_at_ten"),
    [
        (EVERYTHING, "op-1", 3),
        (EVERYTHING, "", 0),
        (Scope(manager_id="mgr-1"), None, 2),
        (Scope(operators=frozenset({"op-2"})), None, 5),
        (Scope(operators=frozenset({"op-2"})), "op-1", 0),
    ],
)
def test_filters_and_restrictions_choose_as_in_the_report(
    scope: Scope, operator_id: str | None, calls_at_ten: int
) -> None:
    assert course_of_day(BOTH, DAY, scope, operator_id)[44] == calls_at_ten


def test_a_day_that_no_shard_has_is_all_zeros() -> None:
    assert course_of_day(BOTH, "2026-11-25", EVERYTHING, None) == EMPTY_COURSE


def test_buckets_are_before_the_hours_of_the_clock_and_after() -> None:
    shown = hours_of(tuple(range(SLOTS)))

    assert [bucket["hour"] for bucket in shown] == list(BUCKETS)
    assert ("before", *range(24), "after") == BUCKETS
    assert shown[0] == {"hour": "before", "calls": 0, "refusals": 1, "ordered": 2, "processed": 3}
    assert shown[-1]["processed"] == 103


def test_a_generation_of_an_older_fold_has_no_hours_and_says_why() -> None:
    with pytest.raises(NoHours, match=r"generation g7 .* by fold 1.* upgrade the projector"):
        course_of_day(snapshot(shard(), fold=1), DAY, EVERYTHING, None)


@given(histories(), scopes, operator_ids, st.sampled_from(DAYS))
def test_each_column_sums_to_the_report_s_figure(
    events: list[dict[str, Any]], scope: Scope, operator_id: str | None, date: str
) -> None:
    snapshot = snapshot_of(events)

    course = hours_of(course_of_day(snapshot, date, scope, operator_id))

    totals = figures(merge(snapshot, Period(date, date), scope, operator_id, 0).totals)
    expected = {name: totals[name] for name in HOUR_MEASURES[:-1]}
    expected["processed"] = sum(totals[name] for name in PROCESSED)
    assert {name: sum(bucket[name] for bucket in course) for name in HOUR_MEASURES} == expected


@given(histories(), scopes, operator_ids, st.sampled_from(DAYS))
def test_the_course_is_that_of_a_second_independent_fold(
    events: list[dict[str, Any]], scope: Scope, operator_id: str | None, date: str
) -> None:
    course = hours_of(course_of_day(snapshot_of(events), date, scope, operator_id))

    assert course == independent_course(events, date, scope, operator_id)


def independent_course(
    events: list[dict[str, Any]], date: str, scope: Scope, operator_id: str | None
) -> list[dict[str, Any]]:
    rules = Rules()
    contacts = [
        contact
        for contact in rules.contacts(events)
        if scope.managers is None or (contact.manager or "") in scope.managers
    ]
    shown = [operator or "" for operator in OPERATORS]
    total = rules.hours([], date)
    for operator in shown if operator_id is None else [operator_id]:
        if scope.operators is None or operator in scope.operators:
            more = rules.hours(
                contacts,
                date,
                operator_id=operator,
                manager_id=scope.manager_id,
                plan_date=scope.plan_date,
            )
            for bucket, other in zip(total, more, strict=True):
                for name in HOUR_MEASURES:
                    bucket[name] += other[name]
    return total
