"""Examples of answers for the OpenAPI; a test validates them against their schemas."""

from typing import Any, Final

from contracts.values import HOUR_MEASURES
from query_api.report.hours import BUCKETS

_LINE: Final = {
    "planned": 40,
    "calls": 52,
    "refusals": 3,
    "ordered": 12,
    "orders": 13,
    "delivered": 4,
    "postponed": 6,
    "no_contact": 3,
    "refused": 2,
    "dropped": 2,
    "drop_closed": 1,
    "active": {"planned": 9, "postponed": 2, "dropped": 1, "total": 12},
    "overdue": {"planned": 5, "postponed": 1, "dropped": 0, "total": 6, "carried": 2},
    "order_percent": 30.0,
    "processed_percent": 60.0,
}

REPORT: Final[dict[str, Any]] = {
    "date": "2026-11-24",
    "date_from": "2026-11-24",
    "date_to": "2026-11-24",
    "timezone": "Europe/Moscow",
    "computed_at": "2026-11-24T15:00:00+03:00",
    "as_of": "2026-11-24T14:59:59.870+03:00",
    "lag_events": 0,
    "stale": False,
    "stale_reason": None,
    "complete_since": None,
    "filters": {"operator_id": None, "manager_id": None, "plan_date": None},
    "operators": [{"operator": {"id": "op-1", "name": "Иванова Анна"}, **_LINE}],
    "totals": _LINE,
}

_FRESH: Final = {
    "computed_at": "2026-11-24T15:00:00+03:00",
    "as_of": "2026-11-24T14:59:59.870+03:00",
    "lag_events": 0,
    "stale": False,
    "stale_reason": None,
    "complete_since": None,
    "filters": {"operator_id": None, "manager_id": None, "plan_date": None},
}

_COUNTED: Final[dict[str | int, tuple[int, int, int, int]]] = {
    "before": (1, 0, 0, 1),
    10: (21, 1, 5, 9),
    11: (17, 2, 4, 8),
    14: (13, 0, 3, 6),
}

HOURS: Final[dict[str, Any]] = {
    "date": "2026-11-24",
    "timezone": "Europe/Moscow",
    **_FRESH,
    "hours": [
        {
            "hour": hour,
            **dict(zip(HOUR_MEASURES, _COUNTED.get(hour, (0, 0, 0, 0)), strict=True)),
        }
        for hour in BUCKETS
    ],
}

DAYS: Final[dict[str, Any]] = {
    "date_from": "2026-11-24",
    "date_to": "2026-11-24",
    "timezone": "Europe/Moscow",
    **_FRESH,
    "days": [{"date": "2026-11-24", "totals": _LINE}],
}

ME: Final[dict[str, Any]] = {
    "name": "ivanova",
    "kind": "person",
    "roles": ["head"],
    "restriction": {"operators": ["op-1", "op-2"], "managers": None},
    "may_read_rows": True,
    "until": "2026-11-24T20:00:00Z",
    "features": {"login": True, "wallboards": True},
}

CONTACTS: Final[dict[str, Any]] = {
    "items": [
        {
            "task_id": "T20261124-000151",
            "contact_no": 1,
            "contact_date": "2026-11-24",
            "plan_date": "2026-11-25",
            "due_at": "2026-11-24T15:30:00+03:00",
            "operator": {"id": "op-1", "name": "Иванова Анна"},
            "manager": {"id": "mgr-2", "name": "Сидоров Пётр"},
            "client": {"id": "c-1", "name": "ООО «Ромашка»"},
            "address": {"id": "a-151", "text": "г. Казань, ул. Баумана, 15"},
            "origin": "forecast",
            "kind": "postponed",
            "status": "ordered",
            "overdue": False,
            "orders": [{"id": "o-77", "number": "77"}],
            "calls": 2,
            "refusals": 0,
            "postponements": 1,
            "postpone_comment": "Позвонить после обеда",
            "comment": None,
            "last_call_at": "2026-11-24T14:10:05+03:00",
            "last_delivery_date": "2026-11-10",
            "contribution": 2,
        }
    ],
    "next_cursor": "WyJjb250YWN0X2RhdGUiLGZhbHNlLGZhbHNlLCIyMDI2LTExLTI0IiwiVDEiLDFd",
    "total": 41,
    "sum": 52,
    "version": 'W/"642737006c203667c48a96d66171b3"',
    "as_of": "2026-11-24T14:59:59.870+03:00",
}

PICKERS: Final[dict[str, Any]] = {
    "operators": [
        {"id": "op-1", "name": "Иванова Анна"},
        {"id": "", "name": "Без оператора"},
    ],
    "managers": [{"id": "mgr-2", "name": "Сидоров Пётр"}],
    "plan_dates": ["2026-11-25"],
}

CSV: Final = (
    '"Оперативная работа по обзвону"\r\n'
    '"Дата контакта";"24.11.2026"\r\n'
    '"Данные на";"24.11.2026 14:59:59 (Europe/Moscow)"\r\n'
    "\r\n"
    '"Оператор";"План";"Звонков"\r\n'
    '"Иванова Анна";40;52\r\n'
    '"Итого";40;52\r\n'
)

CONTACTS_CSV: Final = (
    '"Контакты"\r\n'
    '"Дата контакта";"24.11.2026"\r\n'
    '"Показатель";"Звонков"\r\n'
    '"Строк";"1"\r\n'
    '"Сумма";"2"\r\n'
    '"Данные на";"24.11.2026 14:59:59 (Europe/Moscow)"\r\n'
    "\r\n"
    '"Дата контакта";"Контрагент";"Звонков";"Вклад"\r\n'
    '"24.11.2026";"ООО «Ромашка»";2;2\r\n'
)

METRICS: Final = (
    "# HELP obzvon_api_stale 1 while the figures are marked stale\n"
    "# TYPE obzvon_api_stale gauge\n"
    "obzvon_api_stale 0.0\n"
)


LIVE: Final[dict[str, Any]] = {"status": "ok"}

READY: Final[dict[str, Any]] = {"status": "ok", "generation": "g1", "unreadable": None}

WALLBOARD: Final[dict[str, Any]] = {
    "name": "Зал, большой экран",
    "expires_at": "2027-11-24T00:00:00Z",
}

BY_CALL: Final[dict[tuple[str, str], dict[str, Any]]] = {
    ("get", "/api/v1/report"): REPORT,
    ("get", "/api/v1/hours"): HOURS,
    ("get", "/api/v1/days"): DAYS,
    ("get", "/api/v1/me"): ME,
    ("get", "/api/v1/contacts"): CONTACTS,
    ("get", "/api/v1/filters"): PICKERS,
    ("get", "/livez"): LIVE,
    ("get", "/readyz"): READY,
    ("post", "/api/v1/wallboard/session"): WALLBOARD,
}
"""Method and path of a call → what it answers with 200."""
