"""Rows as a table for people."""

from zoneinfo import ZoneInfo

import pytest

from query_api.report.contact_table import (
    CONTACT_COLUMNS,
    contact_columns,
    filter_lines,
    without_strangers,
)
from query_api.report.named_rows import LookupFilter, NamedRow
from query_api.report.row_query import RowFilter, RowQuery
from query_api.report.scope import EVERYTHING, Period, Scope
from support.events import DAY, called, planned
from support.snapshots import rows_of

ZONE = ZoneInfo("Europe/Moscow")


def query(counter: str | None = None, row_filter: RowFilter | None = None) -> RowQuery:
    return RowQuery(Period(DAY, DAY), EVERYTHING, None, counter, row_filter or RowFilter(), 0)


def named(*events: dict[str, object]) -> NamedRow:
    [row] = rows_of(events)
    return NamedRow(row, 2, "Анна", None, "ООО «Ромашка»", "ул. Баумана, 15", "2026-11-10")


def shown(one: NamedRow, counter: str | None = "calls") -> dict[str, object]:
    return {column.name: column.value(one, query(counter), ZONE) for column in CONTACT_COLUMNS}


def test_a_row_is_shown_in_words_and_russian_dates() -> None:
    one = named(
        planned("T1", due_at=f"{DAY}T14:00:00+03:00", plan_date="2026-11-25"),
        called("T1", "ordered", call_id="c1", at="10:30"),
    )

    found = shown(one)

    assert (found["contact_date"], found["plan_date"]) == ("24.11.2026", "25.11.2026")
    assert (found["due_at"], found["last_call_at"]) == ("24.11.2026 14:00", "24.11.2026 10:30")
    assert (found["operator"], found["manager"]) == ("Анна", "Без менеджера")
    assert (found["status"], found["kind"], found["overdue"]) == ("Заказ", "План", "Нет")
    assert (found["calls"], found["contribution"]) == (1, 2)
    assert found["last_delivery_date"] == "10.11.2026"
    assert found["orders"]


def test_what_a_row_lacks_is_left_empty() -> None:
    one = named(planned("T1", due_at=None, plan_date=None))._replace(last_delivery_date=None)

    found = shown(one, None)

    empty = ("due_at", "plan_date", "orders", "last_call_at", "last_delivery_date", "contribution")
    assert [found[name] for name in empty] == [None] * len(empty)


def test_a_call_at_a_time_outside_the_calendar_is_shown_as_it_was_published() -> None:
    one = named(planned("T1"))
    first = "0001-01-01T00:00:00+14:00"

    assert shown(one._replace(row=one.row._replace(last_call_at=first)))["last_call_at"] == first


def test_all_columns_but_the_contribution_are_there_without_a_counter() -> None:
    assert contact_columns(None, "calls") == CONTACT_COLUMNS
    assert "contribution" not in [column.name for column in contact_columns(None, None)]
    assert [one.name for one in contact_columns("calls,client", None)] == ["calls", "client"]
    with pytest.raises(ValueError, match="no column 'salary'"):
        contact_columns("salary", None)


def test_an_operator_outside_the_restriction_is_not_named() -> None:
    one = named(planned("T1", operator="op-1"))

    own, strange = Scope(operators=frozenset({"op-1"})), Scope(operators=frozenset({"op-2"}))

    assert [row.operator for row in without_strangers([one], own)] == ["Анна"]
    assert [row.operator for row in without_strangers([one], strange)] == ["Другой оператор"]


def test_every_filter_is_told_in_words() -> None:
    filters = RowFilter(
        overdue=True,
        status="no_contact",
        kind="postponed",
        origin="none",
        task_id="T1",
        client_id="c",
        address_id="a",
        order="o",
        min_calls=0,
        max_calls=3,
        min_postponements=1,
    )
    lookups = LookupFilter("ромашка", "2026-11-01", "2026-11-24")

    told = dict(filter_lines(query("overdue.carried", filters), lookups, has_rows=True))
    nothing = dict(filter_lines(query("calls", filters), lookups, has_rows=False))

    assert told == {
        "Показатель": "Из них с прошлых дат",
        "Статус": "Недозвон",
        "Вид": "Перенос",
        "Просрочен": "Да",
        "Источник": "Не указан",
        "Задача": "T1",
        "Код контрагента": "c",
        "Код адреса": "a",
        "Заказ": "o",
        "Поиск": "ромашка",
        "Звонков не меньше": "0",
        "Звонков не больше": "3",
        "Переносов не меньше": "1",
        "Последняя доставка с": "01.11.2026",
        "Последняя доставка по": "24.11.2026",
    }
    assert {nothing[name] for name in ("Задача", "Заказ", "Поиск")} == {"Не найден"}
    assert dict(filter_lines(query(), LookupFilter(), has_rows=True)) == {}
