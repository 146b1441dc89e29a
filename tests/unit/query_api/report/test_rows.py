"""The rows behind every number, without a Redis."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.keys import Row
from projector.fold.contacts import contacts
from projector.fold.task import listings as places_of
from query_api.report.merge import Line, merge
from query_api.report.named_rows import NamedRow
from query_api.report.pages import Order, decode_cursor, encode_cursor
from query_api.report.report_json import figures
from query_api.report.row_query import COUNTER_NAMES, RowFilter, RowQuery, listings
from query_api.report.scope import Period, Scope
from support.events import DAY, called, planned
from support.row_histories import DAYS, MANAGERS, OPERATORS, PLAN_DATES, histories
from support.snapshots import calendar_of, snapshot_of, tasks_of

OPERATOR_IDS = [operator or "" for operator in OPERATORS]
COUNTERS = sorted(set(COUNTER_NAMES.values()))
MIDNIGHT = 29_921_580
"""The minute at which the first day of the histories begins in Moscow."""
NOBODY = Line("", (0,) * 11, (0, 0, 0), (0, 0, 0), 0)


@st.composite
def questions(draw: st.DrawFn) -> tuple[Period, Scope]:
    first, last = sorted([draw(st.sampled_from(DAYS)), draw(st.sampled_from(DAYS))])
    ids = st.none() | st.frozensets(st.sampled_from(OPERATOR_IDS))
    managers = st.none() | st.frozensets(st.sampled_from([m or "" for m in MANAGERS]))
    return Period(first, last), Scope(
        draw(st.none() | st.sampled_from([m or "" for m in MANAGERS])),
        draw(st.none() | st.sampled_from([p or "none" for p in PLAN_DATES])),
        draw(ids),
        draw(managers),
    )


def figure(line: dict[str, Any], name: str) -> int:
    group, _, part = name.partition(".")
    return int(line[group][part] if part else line[group])


def listed(events: list[dict[str, Any]], wanted: RowQuery) -> list[Row]:
    """The rows that stand in the lists a question reads, as the store lists them."""
    lists = {(one.date, one.operator) for one in listings(snapshot_of(events), wanted)}
    rows = []
    for task_id, facts in tasks_of(events).items():
        for contact in contacts(facts, calendar_of()):
            places = places_of(contact)
            if any(
                place in lists and (is_holder or wanted.takes_pointers)
                for place, is_holder in places.items()
            ):
                rows.append(Row(task_id, *contact))
    return rows


@settings(max_examples=80, deadline=None)
@given(events=histories(), question=questions(), hour=st.integers(0, 120))
def test_the_contributions_behind_every_figure_sum_to_it(
    events: list[dict[str, Any]], question: tuple[Period, Scope], hour: int
) -> None:
    period, scope = question
    minute = MIDNIGHT + 60 * hour
    snapshot = snapshot_of(events)
    merged = merge(snapshot, period, scope, None, minute)
    lines: dict[str | None, Any] = {None: figures(merged.totals)}
    lines |= {operator: figures(NOBODY) for operator in OPERATOR_IDS}
    lines |= {line.operator_id: figures(line) for line in merged.lines}

    for operator_id, line in lines.items():
        for counter in COUNTERS:
            wanted = RowQuery(period, scope, operator_id, counter, RowFilter(), minute)
            total = sum(wanted.contribution(row) for row in listed(events, wanted))
            assert total == figure(line, counter), (operator_id, counter)


@settings(max_examples=50, deadline=None)
@given(events=histories(), question=questions(), hour=st.integers(0, 120))
def test_without_a_counter_the_rows_are_the_contacts_of_the_dates(
    events: list[dict[str, Any]], question: tuple[Period, Scope], hour: int
) -> None:
    period, scope = question
    minute = MIDNIGHT + 60 * hour
    totals = merge(snapshot_of(events), period, scope, None, minute).totals

    def rows(overdue: bool | None) -> int:
        wanted = RowQuery(period, scope, None, None, RowFilter(overdue=overdue), minute)
        return sum(wanted.contribution(row) for row in listed(events, wanted) if wanted.passes(row))

    assert rows(None) == totals.counters[0]
    assert rows(overdue=True) == sum(totals.overdue)
    assert rows(overdue=False) == totals.counters[0] - (sum(totals.overdue) - totals.carried)


# --- order and cursor ---------------------------------------------------------------------------


def named_rows(count: int = 7) -> list[NamedRow]:
    events = []
    for number in range(count):
        due = None if number % 3 == 0 else f"{DAY}T{10 + number % 2:02}:00:00+03:00"
        events.append(planned(f"T{number}", due_at=due))
        events += [called(f"T{number}") for _ in range(number % 4)]
    return [
        NamedRow(Row(task_id, *contact), 1, "Анна", None, f"Клиент {task_id}", "Адрес", None)
        for task_id, facts in tasks_of(events).items()
        for contact in contacts(facts, calendar_of())
    ]


@pytest.mark.parametrize("sort", ["due_at", "-due_at", "calls", "-calls", "manager", "-client"])
@pytest.mark.parametrize("limit", [1, 2, 3])
def test_pages_hold_every_row_once_in_order(sort: str, limit: int) -> None:
    order = Order.parse(sort)
    keyed = [(order.key(one), one) for one in named_rows()]
    whole = order.arranged(keyed)

    paged: list[Any] = []
    cursor = None
    while True:
        rest = [pair for pair in keyed if cursor is None or order.is_after(pair[0], cursor)]
        page = order.arranged(rest)[:limit]
        if not page:
            break
        paged += page
        cursor = decode_cursor(encode_cursor(order, page[-1][0]), order)

    assert paged == whole


@pytest.mark.parametrize("sort", ["due_at", "-due_at"])
def test_rows_without_a_value_come_last_in_both_directions(sort: str) -> None:
    order = Order.parse(sort)

    arranged = order.arranged((order.key(one), one) for one in named_rows())

    dues = [one.row.due for _, one in arranged]
    with_due = [due for due in dues if due is not None]
    assert dues[: len(with_due)] == sorted(with_due, reverse=sort.startswith("-"))


def test_a_cursor_goes_on_after_its_row_is_gone() -> None:
    order = Order.parse("calls")
    keyed = [(order.key(one), one) for one in named_rows()]
    whole = order.arranged(keyed)
    cursor = whole[2][0]

    left = [pair for pair in keyed if pair[0] != cursor]
    rest = order.arranged(pair for pair in left if order.is_after(pair[0], cursor))

    assert rest == whole[3:]


@pytest.mark.parametrize("text", ["", "x", "e30", "WzFd", "W10", "!!!", "и", "bnVsbA"])
def test_what_is_no_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        decode_cursor(text, Order.parse("calls"))


def test_a_cursor_of_another_sort_is_refused() -> None:
    order = Order.parse("calls")
    text = encode_cursor(order, order.key(named_rows()[0]))

    with pytest.raises(ValueError, match="another sort"):
        decode_cursor(text, Order.parse("-calls"))
