"""The report as a table for people: Russian column names, the filters and freshness above it."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, tzinfo
from typing import Any, Final, Literal, NamedTuple

from query_api.report.freshness import Freshness
from query_api.report.merge import Merged
from query_api.report.report_json import WITHOUT_MANAGER, WITHOUT_OPERATOR, figures, operator_ref
from query_api.report.scope import NO_PLAN_DATE, WITHOUT, ReportQuery
from query_api.report.snapshot import Snapshot

TITLE: Final = "Оперативная работа по обзвону"
TOTALS: Final = "Итого"
FIRST_COLUMN: Final = "Оператор"

Cell = str | int | float | None
Format = Literal["count", "percent"]


class Column(NamedTuple):
    title: str
    value: Callable[[dict[str, Any]], int | float | None]
    """Takes the figures of a line, as the JSON shows them."""
    format: Format = "count"


COLUMNS: Final = (
    Column("План", lambda f: f["planned"]),
    Column("Звонков", lambda f: f["calls"]),
    Column("Отказов", lambda f: f["refusals"]),
    Column("С заказом", lambda f: f["ordered"]),
    Column("Заказов", lambda f: f["orders"]),
    Column("% заказов", lambda f: f["order_percent"], "percent"),
    Column("Доставлено", lambda f: f["delivered"]),
    Column("Перенос", lambda f: f["postponed"]),
    Column("Недозвон", lambda f: f["no_contact"]),
    Column("Отказ", lambda f: f["refused"]),
    Column("Отвал", lambda f: f["dropped"]),
    Column("Отвал закрыт", lambda f: f["drop_closed"]),
    Column("Активные: план", lambda f: f["active"]["planned"]),
    Column("Активные: перенос", lambda f: f["active"]["postponed"]),
    Column("Активные: отвал", lambda f: f["active"]["dropped"]),
    Column("Активные: всего", lambda f: f["active"]["total"]),
    Column("Просроченные: план", lambda f: f["overdue"]["planned"]),
    Column("Просроченные: перенос", lambda f: f["overdue"]["postponed"]),
    Column("Просроченные: отвал", lambda f: f["overdue"]["dropped"]),
    Column("Просроченные: всего", lambda f: f["overdue"]["total"]),
    Column("Из них с прошлых дат", lambda f: f["overdue"]["carried"]),
    Column("% обработано", lambda f: f["processed_percent"], "percent"),
)


class Table(NamedTuple):
    """`above` are (label, value) lines; every row is the operator's name, then the columns."""

    above: list[tuple[str, str]]
    rows: list[tuple[str, list[int | float | None]]]
    totals: list[int | float | None]

    @property
    def header(self) -> list[str]:
        return [FIRST_COLUMN, *(column.title for column in COLUMNS)]


def table(
    merged: Merged,
    snapshot: Snapshot,
    fresh: Freshness,
    query: ReportQuery,
    *,
    computed_at: datetime,
    complete_since: str | None,
    zone: tzinfo,
) -> Table:
    above = list(_above(snapshot, fresh, query, computed_at, complete_since, zone))
    rows = [
        (operator_ref(line.operator_id, snapshot.operators)["name"], _values(figures(line)))
        for line in merged.lines
    ]
    return Table(above, rows, _values(figures(merged.totals)))


def _values(figures_of_line: dict[str, Any]) -> list[int | float | None]:
    return [column.value(figures_of_line) for column in COLUMNS]


def _above(
    snapshot: Snapshot,
    fresh: Freshness,
    query: ReportQuery,
    computed_at: datetime,
    complete_since: str | None,
    zone: tzinfo,
) -> Iterator[tuple[str, str]]:
    period, scope, operator_id = query.period, query.scope, query.operator_id
    if period.first == period.last:
        yield "Дата контакта", _day(period.first)
    else:
        yield "Даты контакта", f"{_day(period.first)} – {_day(period.last)}"
    if operator_id is not None:
        yield "Оператор", _name(operator_id, snapshot.operators, WITHOUT_OPERATOR)
    if scope.manager_id is not None:
        yield "Менеджер", _name(scope.manager_id, snapshot.managers, WITHOUT_MANAGER)
    if scope.plan_date is not None:
        without = scope.plan_date == NO_PLAN_DATE
        yield "Дата плана", "Без даты плана" if without else _day(scope.plan_date)
    if scope.operators is not None or scope.managers is not None:
        yield "Показаны", "Только те операторы и менеджеры, которые вам доступны"
    if fresh.as_of is None:
        yield "Данные на", "Неизвестно"
    else:
        yield "Данные на", _moment(datetime.fromtimestamp(fresh.as_of / 1000, zone), zone)
    yield "Активные и просроченные на", _moment(computed_at, zone)
    if fresh.stale:
        yield "Внимание", "Данные устарели"
    if complete_since is not None:
        yield "Данные полны с", _moment(datetime.fromisoformat(complete_since), zone)


def _name(id_: str, names: dict[str, str], without: str) -> str:
    return without if id_ == WITHOUT else names.get(id_, id_)


def _day(iso: str) -> str:
    return date.fromisoformat(iso).strftime("%d.%m.%Y")


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%d.%m.%Y %H:%M:%S} ({zone})"
