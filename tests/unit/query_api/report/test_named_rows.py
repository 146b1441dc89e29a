"""Rows with their names, and filters of what is looked up for them."""

import pytest

from query_api.report.named_rows import LookupFilter, NamedRow, completed, named_rows
from query_api.report.row_query import RowFilter, RowQuery
from query_api.report.scope import EVERYTHING, Period
from support.events import DAY, planned
from support.snapshots import rows_of, snapshot_of

EVENTS = [planned("T1", operator="op-1"), planned("T2", operator=None, manager=None)]


def query(row_filter: RowFilter | None = None, counter: str | None = None) -> RowQuery:
    return RowQuery(Period(DAY, DAY), EVERYTHING, None, counter, row_filter or RowFilter(), 0)


def a_row(client: str = "", address: str = "", delivery: str | None = None) -> NamedRow:
    return NamedRow(rows_of(EVENTS)[0], 1, None, None, client, address, delivery)


def test_rows_have_the_latest_names_of_their_operator_and_manager() -> None:
    found = list(named_rows(rows_of(EVENTS), query(), snapshot_of(EVENTS)))

    assert [(one.operator, one.manager) for one in found] == [
        ("Оператор op-1", "Менеджер mgr-1"),
        (None, None),
    ]


def test_a_name_that_is_not_known_yet_is_shown_as_its_id() -> None:
    [first, _] = named_rows(rows_of(EVENTS), query(), snapshot_of([]))

    assert (first.operator, first.manager) == ("op-1", "mgr-1")


def test_rows_behind_no_figure_and_filtered_rows_are_left_out() -> None:
    rows, snapshot = rows_of(EVENTS), snapshot_of(EVENTS)

    assert list(named_rows(rows, query(counter="ordered"), snapshot)) == []
    assert [
        one.row.task_id for one in named_rows(rows, query(RowFilter(task_id="T2")), snapshot)
    ] == ["T2"]


def test_looked_up_values_are_filled_in_and_the_rest_stays() -> None:
    [whole] = completed([a_row()], {"c-1": "Клиент"}, {"a-1": "Адрес"}, {"a-1": "2026-11-01"})
    [nothing] = completed([a_row()], {}, {}, {})
    [again] = completed([whole], {}, {}, {})

    assert whole[4:] == ("Клиент", "Адрес", "2026-11-01")
    assert nothing[4:] == ("c-1", "a-1", None)
    assert again == whole


@pytest.mark.parametrize(
    ("lookups", "is_admitted"),
    [
        (LookupFilter(), True),
        (LookupFilter("РОМАШКА"), True),
        (LookupFilter("королёва"), True),
        (LookupFilter("Лютик"), False),
        (LookupFilter(last_delivery_from="2026-11-10"), True),
        (LookupFilter(last_delivery_from="2026-11-11"), False),
        (LookupFilter(last_delivery_to="2026-11-10"), True),
        (LookupFilter(last_delivery_to="2026-11-09"), False),
    ],
    ids=str,
)
def test_a_lookup_filter_admits_rows_by_their_names_and_last_delivery(
    lookups: LookupFilter, is_admitted: bool
) -> None:
    row = a_row("ООО «Ромашка»", "ул. Королева, 1", "2026-11-10")

    assert (lookups.admitted([row]) == [row]) is is_admitted


def test_an_address_without_a_delivery_had_its_last_one_before_any_day() -> None:
    row = a_row()

    assert LookupFilter(last_delivery_to="2026-11-10").admitted([row]) == [row]
    assert LookupFilter(last_delivery_from="2026-11-10").admitted([row]) == []


def test_a_lookup_filter_says_what_must_be_looked_up_for_all_rows() -> None:
    assert LookupFilter().parts == set()
    assert LookupFilter("x").parts == {"client", "address"}
    assert LookupFilter(last_delivery_to=DAY).parts == {"delivery"}
