"""The pure merge: from what the shards hold to the report."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from projector.fold.calendar import Calendar
from query_api.report.merge import merge, percent
from query_api.report.report_json import figures
from query_api.report.scope import EVERYTHING, Period, Scope
from query_api.report.snapshot import Snapshot
from support.events import DAY, NOON, called, planned
from support.golden import GOLDEN, RULES, day_events, load
from support.snapshots import snapshot_of


def minute_of(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) // 60


def report(snapshot: Any, date: str, now: str, scope: Scope = EVERYTHING) -> dict[str, Any]:
    merged = merge(snapshot, Period(date, date), scope, None, minute_of(now))
    return {line.operator_id: figures(line) for line in merged.lines}


@pytest.mark.parametrize("path", RULES, ids=lambda path: path.stem)
def test_a_golden_rule_gives_its_report(path: Path) -> None:
    rule = load(path)
    snapshot = snapshot_of(rule["events"], Calendar.of(rule["timezone"], rule["day_end"]))

    for date, expected in rule["report"].items():
        assert report(snapshot, date, rule["now"]) == expected


@pytest.mark.parametrize("number", range(6))
def test_a_golden_day_gives_its_report(number: int) -> None:
    expected = load(GOLDEN / "days" / "expected.json")["reports"][number]
    filters = expected["filters"]
    scope = Scope(filters.get("manager_id"), filters.get("plan_date"))

    found = report(snapshot_of(day_events()), expected["date"], expected["now"], scope)

    assert found == expected["operators"]


def test_a_range_counts_every_day_once() -> None:
    snapshot = snapshot_of(day_events())
    now = minute_of("2026-11-24T15:00:00+03:00")

    days = Period("2026-11-23", "2026-11-27").days
    each = [merge(snapshot, Period(day, day), EVERYTHING, None, now).totals for day in days]
    whole = merge(snapshot, Period(days[0], days[-1]), EVERYTHING, None, now).totals

    assert whole.counters == tuple(map(sum, zip(*(line.counters for line in each), strict=True)))
    assert sum(whole.active) == sum(sum(line.active) for line in each)
    assert whole.overdue == each[-1].overdue, "overdue counts up to the last day, each once"
    assert whole.carried == each[0].carried, "carried are those dated before the first day"


def test_an_operator_filter_leaves_that_line_as_it_is() -> None:
    snapshot = snapshot_of(day_events())
    now = minute_of("2026-11-24T15:00:00+03:00")
    everyone = merge(snapshot, Period(DAY, DAY), EVERYTHING, None, now)

    for line in everyone.lines:
        alone = merge(snapshot, Period(DAY, DAY), EVERYTHING, line.operator_id, now)
        assert alone.lines == [line]
        assert alone.totals == line._replace(operator_id="")


def test_a_restriction_shows_only_its_operators_and_sums_them() -> None:
    snapshot = snapshot_of(day_events())
    now = minute_of("2026-11-24T15:00:00+03:00")
    restricted = Scope(operators=frozenset({"op-1", "op-2"}))

    found = merge(snapshot, Period(DAY, DAY), restricted, None, now)

    everyone = merge(snapshot, Period(DAY, DAY), EVERYTHING, None, now)
    kept = [line for line in everyone.lines if line.operator_id in ("op-1", "op-2")]
    assert found.lines == kept
    assert found.totals.counters[0] == sum(line.counters[0] for line in kept)


def test_operators_are_sorted_by_name_with_nobody_last() -> None:
    snapshot = snapshot_of(
        [
            planned("T1", operator="op-3", operator_name="яковлева"),
            planned("T2", operator=None),
            planned("T3", operator="op-2", operator_name="Яковлев"),
            planned("T4", operator="op-1", operator_name="Абрамова"),
            planned("T5", operator="op-0", operator_name="Яковлев"),
        ]
    )

    merged = merge(snapshot, Period(DAY, DAY), EVERYTHING, None, 0)

    assert [line.operator_id for line in merged.lines] == ["op-1", "op-0", "op-2", "op-3", ""]


def test_an_operator_whose_call_was_taken_back_to_nothing_does_not_appear() -> None:
    call = called("T1", operator="op-2", call_id="k1", at="10:00")
    corrected = called("T1", operator="op-1", call_id="k1", at="10:05")

    merged = merge(
        snapshot_of([planned("T1"), call, corrected]), Period(DAY, DAY), EVERYTHING, None, 0
    )

    assert [line.operator_id for line in merged.lines] == ["op-1"]


def test_the_report_says_until_which_minute_it_holds() -> None:
    events = [
        planned("T1", due_at=NOON),
        planned("T2", due_at=f"{DAY}T14:30:00+03:00"),
        planned("T3", date="2026-11-20", due_at="2026-11-25T09:00:00+03:00"),
    ]
    now = minute_of(f"{DAY}T13:00:00+03:00")

    merged = merge(snapshot_of(events), Period(DAY, DAY), EVERYTHING, None, now)

    assert merged.since == minute_of(NOON)
    assert merged.until == minute_of(f"{DAY}T14:30:00+03:00")
    assert (sum(merged.totals.active), sum(merged.totals.overdue)) == (1, 1)


def test_a_carried_contact_is_overdue_only_from_its_own_deadline_on() -> None:
    snapshot = snapshot_of([planned("T1", date="2026-11-20", due_at="2026-11-25T09:00:00+03:00")])

    before = merge(
        snapshot, Period(DAY, DAY), EVERYTHING, None, minute_of("2026-11-25T08:59:00+03:00")
    )
    after = merge(
        snapshot, Period(DAY, DAY), EVERYTHING, None, minute_of("2026-11-25T09:00:00+03:00")
    )
    again = merge(
        snapshot, Period(DAY, DAY), EVERYTHING, None, minute_of("2026-11-25T08:59:00+03:00")
    )

    assert before.totals.carried == 0
    assert before.until == minute_of("2026-11-25T09:00:00+03:00")
    assert after.totals.carried == 1
    assert again == before, "what a snapshot remembers must not outlive its minute"


@pytest.mark.parametrize(
    ("part", "whole", "expected"),
    [
        (0, 0, None),
        (0, 5, 0.0),
        (1, 8, 12.5),
        (1, 16, 6.3),
        (1, 3, 33.3),
        (2, 3, 66.7),
        (7, 7, 100),
    ],
)
def test_percent_is_rounded_half_up_to_one_decimal(
    part: int, whole: int, expected: float | None
) -> None:
    assert percent(part, whole) == expected


def test_a_shard_that_does_not_exist_yet_adds_nothing() -> None:
    snapshot = snapshot_of(day_events())
    lacking = Snapshot("g1", snapshot.fingerprint, (None, *snapshot.shards))
    now = minute_of("2026-11-24T15:00:00+03:00")

    found = merge(lacking, Period(DAY, DAY), EVERYTHING, None, now)

    assert found == merge(snapshot, Period(DAY, DAY), EVERYTHING, None, now)
