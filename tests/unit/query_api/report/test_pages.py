"""The order of rows, and pages that stay in place while rows come and go."""

import base64
import json
from typing import Any

import pytest

from contracts.values import Row
from projector.fold.contacts import contacts
from query_api.report.named_rows import NamedRow
from query_api.report.pages import SORTS, Order, decode_cursor, encode_cursor, page
from support.events import DAY, called, planned
from support.snapshots import MOSCOW, tasks_of


def named_rows(count: int = 7) -> list[NamedRow]:
    events = []
    for number in range(count):
        due = None if number % 3 == 0 else f"{DAY}T{10 + number % 2:02}:00:00+03:00"
        events.append(planned(f"T{number}", due_at=due))
        events += [called(f"T{number}") for _ in range(number % 4)]
    return [
        NamedRow(Row(task_id, *contact[:-1]), 1, "Анна", None, f"Клиент {task_id}", "Адрес", None)
        for task_id, facts in tasks_of(events).items()
        for contact in contacts(facts, MOSCOW)
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
def test_malformed_cursor_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="cursor"):
        decode_cursor(text, Order.parse("calls"))


def test_a_cursor_of_another_sort_is_refused() -> None:
    order = Order.parse("calls")
    text = encode_cursor(order, order.key(named_rows()[0]))

    with pytest.raises(ValueError, match="another sort"):
        decode_cursor(text, Order.parse("-calls"))


@pytest.mark.parametrize("column", SORTS)
def test_pages_by_every_column_lead_to_all_rows(column: str) -> None:
    order = Order.parse(column)
    rows = named_rows()

    first = page(rows, order, None, 4)
    assert first.next_cursor is not None
    last = page(rows, order, decode_cursor(first.next_cursor, order), 4)

    assert last.next_cursor is None
    assert first.rows + last.rows == page(rows, order, None, len(rows)).rows
    assert {one.row.task_id for one in first.rows + last.rows} == {one.row.task_id for one in rows}


def test_calls_are_sorted_by_their_moment_whatever_their_offset() -> None:
    rows = named_rows(3)
    times = ["2026-11-24T10:00:00+03:00", "2026-11-24T08:30:00z", "0001-01-01T00:00:00+03:00"]
    rows = [
        one._replace(row=one.row._replace(last_call_at=at))
        for one, at in zip(rows, times, strict=True)
    ]

    found = page(rows, Order.parse("last_call_at"), None, 10)

    assert [one.row.last_call_at for one in found.rows] == [times[2], times[0], times[1]]


@pytest.mark.parametrize(
    ("sort", "parts"),
    [
        ("client", {"client"}),
        ("-address", {"address"}),
        ("last_delivery_date", {"delivery"}),
        ("calls", set()),
    ],
)
def test_an_order_says_what_must_be_looked_up_before_it_can_sort(
    sort: str, parts: set[str]
) -> None:
    assert Order.parse(sort).parts == parts


@pytest.mark.parametrize("text", ["", "-", "name", "--calls"])
def test_an_unknown_column_to_sort_by_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="rows are sorted by one of contact_date, "):
        Order.parse(text)


@pytest.mark.parametrize(
    "place",
    [
        ["calls", False, False, "two", "T1", 1],
        ["calls", False, 0, 2, "T1", 1],
        ["calls", False, False, 2, 1, 1],
        ["calls", False, False, 2, "T1", "1"],
    ],
)
def test_a_cursor_whose_place_cannot_be_is_refused(place: list[Any]) -> None:
    text = base64.urlsafe_b64encode(json.dumps(place).encode()).decode()

    with pytest.raises(ValueError, match="cursor"):
        decode_cursor(text, Order.parse("calls"))
