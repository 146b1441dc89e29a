"""The rows behind every number, without a Redis."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.values import Row
from projector.fold.contacts import contacts
from projector.fold.task import listings as places_of
from query_api.report.merge import Line, merge
from query_api.report.report_json import figures
from query_api.report.row_query import COUNTER_NAMES, Listing, RowFilter, RowQuery, listings
from query_api.report.scope import Period, Scope
from query_api.report.snapshot import NOTHING, Shard
from support.events import DAY, called, delivered, failed, planned
from support.report_laws import figure
from support.row_histories import DAYS, MANAGERS, OPERATORS, PLAN_DATES, histories
from support.snapshots import MOSCOW, rows_of, snapshot_of, tasks_of

OPERATOR_IDS = [operator or "" for operator in OPERATORS]
COUNTERS = sorted(set(COUNTER_NAMES.values()))
MIDNIGHT = 29_921_580
"""The minute at which the first day of the histories begins in Moscow."""
NOBODY = Line("", NOTHING, (0, 0, 0), (0, 0, 0), 0)


@st.composite
def periods_and_scopes(draw: st.DrawFn) -> tuple[Period, Scope]:
    first, last = sorted([draw(st.sampled_from(DAYS)), draw(st.sampled_from(DAYS))])
    ids = st.none() | st.frozensets(st.sampled_from(OPERATOR_IDS))
    managers = st.none() | st.frozensets(st.sampled_from([m or "" for m in MANAGERS]))
    return Period(first, last), Scope(
        draw(st.none() | st.sampled_from([m or "" for m in MANAGERS])),
        draw(st.none() | st.sampled_from([p or "none" for p in PLAN_DATES])),
        draw(ids),
        draw(managers),
    )


def listed(events: list[dict[str, Any]], query: RowQuery) -> list[Row]:
    """The rows that stand in the lists that the query reads, as the store lists them."""
    lists = {
        (one.date, one.operator)
        for shard in snapshot_of(events).shards
        if shard is not None
        for one in listings(shard, query)
    }
    rows = []
    for task_id, facts in tasks_of(events).items():
        for contact in contacts(facts, MOSCOW):
            places = places_of(contact)
            if any(
                place in lists and (is_holder or query.takes_pointers)
                for place, is_holder in places.items()
            ):
                rows.append(Row(task_id, *contact[:-1]))
    return rows


@settings(max_examples=80, deadline=None)
@given(events=histories(), chosen=periods_and_scopes(), hour=st.integers(0, 120))
def test_the_contributions_behind_every_figure_sum_to_it(
    events: list[dict[str, Any]], chosen: tuple[Period, Scope], hour: int
) -> None:
    period, scope = chosen
    minute = MIDNIGHT + 60 * hour
    snapshot = snapshot_of(events)
    merged = merge(snapshot, period, scope, None, minute)
    lines: dict[str | None, Any] = {None: figures(merged.totals)}
    lines |= {operator: figures(NOBODY) for operator in OPERATOR_IDS}
    lines |= {line.operator_id: figures(line) for line in merged.lines}

    for operator_id, line in lines.items():
        for counter in COUNTERS:
            query = RowQuery(period, scope, operator_id, counter, RowFilter(), minute)
            total = sum(query.contribution(row) for row in listed(events, query))
            assert total == figure(line, counter), (operator_id, counter)


@settings(max_examples=50, deadline=None)
@given(events=histories(), chosen=periods_and_scopes(), hour=st.integers(0, 120))
def test_without_a_counter_the_rows_are_the_contacts_of_the_dates(
    events: list[dict[str, Any]], chosen: tuple[Period, Scope], hour: int
) -> None:
    period, scope = chosen
    minute = MIDNIGHT + 60 * hour
    totals = merge(snapshot_of(events), period, scope, None, minute).totals

    def rows(overdue: bool | None) -> int:
        query = RowQuery(period, scope, None, None, RowFilter(overdue=overdue), minute)
        return sum(query.contribution(row) for row in listed(events, query) if query.passes(row))

    assert rows(None) == totals.counters[0]
    assert rows(overdue=True) == sum(totals.overdue)
    assert rows(overdue=False) == totals.counters[0] - (sum(totals.overdue) - totals.carried)


# --- filters of columns ---------------------------------------------------------------------------


ROW = next(
    iter(
        rows_of(
            [
                planned("T1", due_at=f"{DAY}T14:00:00+03:00", origin="forecast"),
                called("T1", "ordered", order="o-7"),
            ]
        )
    )
)


@pytest.mark.parametrize(
    ("fits", "does_not"),
    [
        (RowFilter(overdue=False), RowFilter(overdue=True)),
        (RowFilter(status="ordered"), RowFilter(status="open")),
        (RowFilter(kind="planned"), RowFilter(kind="postponed")),
        (RowFilter(origin="forecast"), RowFilter(origin="none")),
        (RowFilter(task_id="T1"), RowFilter(task_id="T2")),
        (RowFilter(client_id="c-1"), RowFilter(client_id="c-2")),
        (RowFilter(address_id="a-1"), RowFilter(address_id="a-2")),
        (RowFilter(order="o-7"), RowFilter(order="o-8")),
        (RowFilter(min_calls=1), RowFilter(min_calls=2)),
        (RowFilter(max_calls=1), RowFilter(max_calls=0)),
        (RowFilter(min_postponements=0), RowFilter(min_postponements=1)),
    ],
    ids=str,
)
def test_a_filter_admits_the_rows_whose_column_holds_it(
    fits: RowFilter, does_not: RowFilter
) -> None:
    assert fits.admits(ROW, is_overdue=False)
    assert not does_not.admits(ROW, is_overdue=False)


@pytest.mark.parametrize("counter", COUNTERS)
def test_a_contact_of_another_date_is_behind_no_figure_of_the_period(counter: str) -> None:
    later = Period("2026-12-01", "2026-12-01")
    earlier = Period("2026-11-01", "2026-11-01")

    for period in (earlier, later):
        query = RowQuery(period, Scope(), None, counter, RowFilter(), MIDNIGHT)
        assert query.contribution(ROW) == 0


@pytest.mark.parametrize(
    ("scope", "operator_id"),
    [(Scope("mgr-2"), None), (Scope(), "op-2"), (Scope(operators=frozenset({"op-2"})), None)],
)
def test_contact_of_another_operator_is_behind_no_figure(
    scope: Scope, operator_id: str | None
) -> None:
    query = RowQuery(Period(DAY, DAY), scope, operator_id, "planned", RowFilter(), MIDNIGHT)

    assert query.contribution(ROW) == 0


@pytest.mark.parametrize(
    ("counter", "day_before", "same_day", "day_after"),
    [("overdue.total", 0, 1, 1), ("overdue.planned", 0, 1, 1), ("overdue.carried", 0, 0, 1)],
)
def test_an_overdue_contact_counts_on_its_date_and_is_carried_to_later_ones(
    counter: str, day_before: int, same_day: int, day_after: int
) -> None:
    [row] = rows_of([planned("T1", due_at=f"{DAY}T14:00:00+03:00")])

    def contribution(day: str) -> int:
        period = Period(day, day)
        query = RowQuery(period, Scope(), None, counter, RowFilter(), row.deadline)
        return query.contribution(row)

    found = [contribution(day) for day in ("2026-11-23", DAY, "2026-11-25")]
    assert found == [day_before, same_day, day_after]


def test_a_list_is_as_long_as_its_shard_has_rows_of_the_operator() -> None:
    snapshot = snapshot_of([planned(f"T{number}") for number in (1, 2, 3, 4)])
    query = RowQuery(Period(DAY, DAY), Scope(), None, "planned", RowFilter(), MIDNIGHT)

    lists = [listings(shard, query) for shard in snapshot.shards if shard is not None]

    assert sorted(lists) == [[Listing(DAY, "op-1", rows)] for rows in (1, 1, 2)]


def test_a_date_whose_cells_were_not_read_has_no_lists() -> None:
    [shard] = snapshot_of([planned("T1")], partitions=1).shards
    assert shard is not None
    query = RowQuery(Period(DAY, DAY), Scope(), None, "planned", RowFilter(), MIDNIGHT)

    unread = Shard(shard.meta, shard.seqs, {}, shard.open_contacts, shard.names)

    assert listings(unread, query) == []


@pytest.mark.parametrize(
    ("counter", "contribution"),
    [
        *(("planned", 1), ("calls", 2), ("refusals", 1), ("ordered", 1), ("orders", 2)),
        *(("delivered", 1), ("dropped", 1), ("no_contact", 0), ("active.total", 0)),
    ],
)
def test_a_delivered_contact_adds_to_each_counter_what_it_counts(
    counter: str, contribution: int
) -> None:
    [row] = rows_of(
        [
            planned("T1"),
            called("T1", "refused", at="09:00"),
            failed("T1", "address_drop", at="09:30"),
            called("T1", "ordered", at="10:00", order="o-1"),
            delivered("T1", "o-1"),
            delivered("T1", "o-2"),
        ]
    )
    query = RowQuery(Period(DAY, DAY), Scope(), None, counter, RowFilter(), MIDNIGHT)
    assert query.contribution(row) == contribution
