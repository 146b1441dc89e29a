"""Rows as a table for people: Russian column names, the filters and the version above it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Final, NamedTuple

from contracts.values import Row
from query_api.report.moments import moment_of_minute
from query_api.report.named_rows import LookupFilter, NamedRow
from query_api.report.report_json import WITHOUT_MANAGER, WITHOUT_OPERATOR
from query_api.report.row_query import NO_ORIGIN, RowQuery
from query_api.report.scope import Scope
from query_api.report.table import NAMED, UNKNOWN, Cell, Format, chosen, day_text

CONTACTS_TITLE: Final = "Контакты"

OTHER_OPERATOR: Final = "Другой оператор"
"""Stands for a contact's operator whom the caller may not see; only somebody's calls on it they may."""

STATUSES: Final = {
    "open": "Открыт",
    "dropped": "Отвал",
    "ordered": "Заказ",
    "postponed": "Перенос",
    "no_contact": "Недозвон",
    "refused": "Отказ",
    "drop_closed": "Отвал закрыт",
}
KINDS: Final = {"planned": "План", "postponed": "Перенос"}
ORIGINS: Final = {"manual": "Вручную", "forecast": "Прогноз", NO_ORIGIN: "Не указан"}


class ContactColumn(NamedTuple):
    """A column of rows."""

    name: str
    """As in the JSON."""
    title: str
    value: Callable[[NamedRow, RowQuery, tzinfo], Cell]
    format: Format = "text"


def _date(iso: str | None) -> str | None:
    return None if iso is None else day_text(iso)


def _due(row: Row, zone: tzinfo) -> str | None:
    return None if row.due is None else _minute(moment_of_minute(row.due, zone))


def _called(row: Row, zone: tzinfo) -> str | None:
    if row.last_call_at is None:
        return None
    try:
        return _minute(datetime.fromisoformat(row.last_call_at.upper()).astimezone(zone))
    except (ValueError, OverflowError):  # hours from the first or the last year there is
        return row.last_call_at


def _minute(at: datetime) -> str:
    return f"{day_text(at.date().isoformat())} {at:%H:%M}"


def _yes(is_so: bool) -> str:
    return "Да" if is_so else "Нет"


CONTACT_COLUMNS: Final = (
    ContactColumn("contact_date", "Дата контакта", lambda n, _q, _z: day_text(n.row.contact_date)),
    ContactColumn("plan_date", "Дата плана", lambda n, _q, _z: _date(n.row.plan_date)),
    ContactColumn("due_at", "Позвонить до", lambda n, _q, zone: _due(n.row, zone)),
    ContactColumn("operator", "Оператор", lambda n, _q, _z: n.operator or WITHOUT_OPERATOR),
    ContactColumn("manager", "Менеджер", lambda n, _q, _z: n.manager or WITHOUT_MANAGER),
    ContactColumn("client", "Контрагент", lambda n, _q, _z: n.client),
    ContactColumn("address", "Адрес", lambda n, _q, _z: n.address),
    ContactColumn(
        "orders",
        "Заказ",
        lambda n, _q, _z: ", ".join(number or id_ for id_, number in n.row.orders) or None,
    ),
    ContactColumn(
        "calls", "Звонков", lambda n, _q, _z: sum(count for _, count in n.row.calls), "count"
    ),
    ContactColumn(
        "refusals", "Отказов", lambda n, _q, _z: sum(count for _, count in n.row.refusals), "count"
    ),
    ContactColumn("kind", "Вид", lambda n, _q, _z: KINDS[n.row.kind]),
    ContactColumn("status", "Статус", lambda n, _q, _z: STATUSES[n.row.status]),
    ContactColumn("overdue", "Просрочен", lambda n, query, _z: _yes(query.is_overdue(n.row))),
    ContactColumn("postponements", "Переносов", lambda n, _q, _z: n.row.postponements, "count"),
    ContactColumn(
        "postpone_comment", "Комментарий переноса", lambda n, _q, _z: n.row.postpone_comment
    ),
    ContactColumn("comment", "Комментарий", lambda n, _q, _z: n.row.comment),
    ContactColumn("last_call_at", "Последний звонок", lambda n, _q, zone: _called(n.row, zone)),
    ContactColumn(
        "last_delivery_date",
        "Дата последней доставки",
        lambda n, _q, _z: _date(n.last_delivery_date),
    ),
    ContactColumn("origin", "Источник", lambda n, _q, _z: ORIGINS[n.row.origin or NO_ORIGIN]),
    ContactColumn(
        "contribution",
        "Вклад",
        lambda n, query, _z: n.contribution if query.counter else None,
        "count",
    ),
    ContactColumn("task_id", "Задача", lambda n, _q, _z: n.row.task_id),
    ContactColumn("contact_no", "№ контакта", lambda n, _q, _z: n.row.contact_no, "count"),
)

_BY_NAME: Final = {column.name: column for column in CONTACT_COLUMNS}


def contact_columns(text: str | None, counter: str | None) -> tuple[ContactColumn, ...]:
    """Returns the columns that a list with commas names, in its order; raises ValueError.

    None stands for all of them; without a counter there is no contribution.
    """
    if text is not None:
        return tuple(_BY_NAME[name] for name in chosen(text, _BY_NAME))
    return tuple(one for one in CONTACT_COLUMNS if counter or one.name != "contribution")


def without_strangers(rows: Iterable[NamedRow], scope: Scope) -> Iterator[NamedRow]:
    """Yields the rows without the names of operators whom the caller may not see."""
    for named in rows:
        if scope.admits_operator(named.row.operator):
            yield named
        else:
            yield named._replace(operator=OTHER_OPERATOR)


def filter_lines(
    query: RowQuery, lookups: LookupFilter, *, has_rows: bool
) -> Iterator[tuple[str, str]]:
    """Yields the filters of rows, as (label, value); text that found nothing is not repeated."""
    filters = query.row_filter
    if query.counter is not None:
        yield "Показатель", NAMED[query.counter].title
    if filters.status is not None:
        yield "Статус", STATUSES[filters.status]
    if filters.kind is not None:
        yield "Вид", KINDS[filters.kind]
    if filters.overdue is not None:
        yield "Просрочен", _yes(filters.overdue)
    if filters.origin is not None:
        yield "Источник", ORIGINS[filters.origin]
    for label, text in (
        ("Задача", filters.task_id),
        ("Код контрагента", filters.client_id),
        ("Код адреса", filters.address_id),
        ("Заказ", filters.order),
        ("Поиск", lookups.text),
    ):
        if text is not None:
            yield label, text if has_rows else UNKNOWN
    for label, number in (
        ("Звонков не меньше", filters.min_calls),
        ("Звонков не больше", filters.max_calls),
        ("Переносов не меньше", filters.min_postponements),
    ):
        if number is not None:
            yield label, str(number)
    for label, day in (
        ("Последняя доставка с", lookups.last_delivery_from),
        ("Последняя доставка по", lookups.last_delivery_to),
    ):
        if day is not None:
            yield label, day_text(day)
