"""The totals of each day of a range are those of that day's own report."""

from datetime import datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from query_api.report.days import merge_days
from query_api.report.merge import Line, Merged, merge
from query_api.report.moments import minute_of
from query_api.report.scope import EVERYTHING, Period, Scope
from query_api.report.snapshot import NOBODY, NOTHING, CellCounts, Shard, Snapshot
from support.events import DAY, NOON, planned
from support.golden import day_events
from support.row_histories import histories
from support.scopes import operator_ids, scopes
from support.snapshots import META, snapshot_of

WEEK = Period("2026-11-20", "2026-11-27")
TODAY = minute_of(datetime.fromisoformat(NOON))

minutes = st.integers(TODAY - 4 * 1440, TODAY + 4 * 1440)


def reports(
    snapshot: Snapshot, scope: Scope, operator_id: str | None, minute: int
) -> dict[str, Merged]:
    """The report of each single day of the week."""
    return {day: merge(snapshot, Period(day, day), scope, operator_id, minute) for day in WEEK.days}


@given(histories(), scopes, operator_ids, minutes)
def test_each_day_has_the_totals_of_its_own_report(
    events: list[dict[str, Any]], scope: Scope, operator_id: str | None, minute: int
) -> None:
    snapshot = snapshot_of(events)

    found = merge_days(snapshot, WEEK, scope, operator_id, minute)

    single = reports(snapshot, scope, operator_id, minute)
    assert found.totals == {day: merged.totals for day, merged in single.items()}


@given(histories(), scopes, minutes)
def test_days_hold_as_long_as_the_report_of_each_of_them(
    events: list[dict[str, Any]], scope: Scope, minute: int
) -> None:
    snapshot = snapshot_of(events)

    found = merge_days(snapshot, WEEK, scope, None, minute)

    single = reports(snapshot, scope, None, minute).values()
    assert found.since == max(merged.since for merged in single)
    assert found.until == min(merged.until for merged in single)


def test_golden_days_have_the_totals_of_their_reports() -> None:
    snapshot = snapshot_of(day_events())

    found = merge_days(snapshot, WEEK, EVERYTHING, None, TODAY)

    single = reports(snapshot, EVERYTHING, None, TODAY)
    assert found.totals == {day: merged.totals for day, merged in single.items()}
    assert found.totals[DAY].counters[0] > 0


def test_overdue_contact_is_carried_to_every_later_day() -> None:
    snapshot = snapshot_of([planned("T1", date="2026-11-21")])

    found = merge_days(snapshot, WEEK, EVERYTHING, None, TODAY).totals

    assert (found["2026-11-20"].overdue, found["2026-11-20"].carried) == (NOBODY, 0)
    assert (found["2026-11-21"].overdue, found["2026-11-21"].carried) == ((1, 0, 0), 0)
    assert (found["2026-11-22"].overdue, found["2026-11-22"].carried) == ((1, 0, 0), 1)
    assert (found[WEEK.last].overdue, found[WEEK.last].carried) == ((1, 0, 0), 1)


def test_day_without_a_contact_is_listed_with_zeros() -> None:
    found = merge_days(snapshot_of([]), WEEK, EVERYTHING, None, TODAY)

    assert list(found.totals) == list(WEEK.days)
    assert set(found.totals.values()) == {Line("", NOTHING, NOBODY, NOBODY, 0)}


def test_shard_without_a_date_that_another_has_adds_nothing_to_it() -> None:
    cells = {DAY: CellCounts({})}
    snapshot = snapshot_of([planned("T1")])
    empty = Shard(META, {DAY: 1}, cells, {}, {})
    other = Shard(META, {}, {}, {}, {})
    more = Snapshot("g1", snapshot.fingerprint, (*snapshot.shards, empty, other, None))

    found = merge_days(more, WEEK, EVERYTHING, None, TODAY)

    assert found == merge_days(snapshot, WEEK, EVERYTHING, None, TODAY)
