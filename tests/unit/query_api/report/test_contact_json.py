"""Rows as the JSON shows them."""

from typing import Any
from zoneinfo import ZoneInfo

from contracts.report import ContactRow
from query_api.report.contact_json import contact_json
from query_api.report.named_rows import NamedRow
from query_api.report.row_query import RowFilter, RowQuery
from query_api.report.scope import EVERYTHING, Period
from support.events import DAY, called, planned
from support.snapshots import rows_of

MOSCOW = ZoneInfo("Europe/Moscow")
DUE = f"{DAY}T14:00:00+03:00"


def shown(event: dict[str, Any], *more: dict[str, Any], counter: str | None = None) -> Any:
    [row] = rows_of([event, *more])
    named = NamedRow(row, 2, "Анна", "Пётр", "ООО «Ромашка»", "ул. Баумана, 15", "2026-11-10")
    query = RowQuery(Period(DAY, DAY), EVERYTHING, None, counter, RowFilter(), row.deadline)
    return contact_json(named, query, MOSCOW)


def test_a_contact_is_shown_with_its_names_and_times_in_the_zone() -> None:
    call = called("T1", "ordered", order="o-7", at="10:00")

    contact = shown(planned("T1", due_at=DUE), call, counter="orders")

    ContactRow.model_validate(contact)
    assert contact == {
        "task_id": "T1",
        "contact_no": 1,
        "contact_date": DAY,
        "plan_date": None,
        "due_at": DUE,
        "operator": {"id": "op-1", "name": "Анна"},
        "manager": {"id": "mgr-1", "name": "Пётр"},
        "client": {"id": "c-1", "name": "ООО «Ромашка»"},
        "address": {"id": "a-1", "text": "ул. Баумана, 15"},
        "origin": None,
        "kind": "planned",
        "status": "ordered",
        "overdue": False,
        "orders": [{"id": "o-7", "number": "o-7"}],
        "calls": 1,
        "refusals": 0,
        "postponements": 0,
        "postpone_comment": None,
        "comment": None,
        "last_call_at": f"{DAY}T10:00:00+03:00",
        "last_delivery_date": "2026-11-10",
        "contribution": 2,
    }


def test_a_contact_without_anybody_or_a_due_time_shows_nulls() -> None:
    contact = shown(planned("T1", operator=None, manager=None))

    ContactRow.model_validate(contact)
    assert (contact["operator"], contact["manager"], contact["due_at"]) == (None, None, None)
    assert contact["overdue"], "an open contact at its deadline"
    assert contact["contribution"] is None, "no figure was asked for"
