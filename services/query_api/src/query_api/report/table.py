"""The report as a table for people: Russian column names, the filters and freshness above it."""

from collections.abc import Iterable, Iterator
from datetime import datetime, tzinfo
from typing import Any, Final, Literal, NamedTuple

from query_api.report.freshness import Freshness
from query_api.report.merge import Line, Merged
from query_api.report.report_json import WITHOUT_MANAGER, WITHOUT_OPERATOR, figures, operator_ref
from query_api.report.scope import NO_PLAN_DATE, WITHOUT, ReportQuery
from query_api.report.snapshot import Snapshot

TITLE: Final = "Оперативная работа по обзвону"
TOTALS: Final = "Итого"
FIRST_COLUMN: Final = "Оператор"

UNKNOWN: Final = "Не найден"
"""What stands for an id without a name, or for one that the caller may not see."""

Cell = str | int | float | None
Format = Literal["text", "count", "percent"]


class Column(NamedTuple):
    """A column of figures."""

    name: str
    """Where the figure is in the JSON of a line, like ``overdue.carried``."""
    title: str
    format: Format = "count"

    def value(self, figures_of_line: dict[str, Any]) -> int | float | None:
        group, _, part = self.name.partition(".")
        found: int | float | None = figures_of_line[group]
        if part:
            found = figures_of_line[group][part]
        return found


COLUMNS: Final = (
    Column("planned", "План"),
    Column("calls", "Звонков"),
    Column("refusals", "Отказов"),
    Column("ordered", "С заказом"),
    Column("orders", "Заказов"),
    Column("order_percent", "% заказов", "percent"),
    Column("delivered", "Доставлено"),
    Column("postponed", "Перенос"),
    Column("no_contact", "Недозвон"),
    Column("refused", "Отказ"),
    Column("dropped", "Отвал"),
    Column("drop_closed", "Отвал закрыт"),
    Column("active.planned", "Активные: план"),
    Column("active.postponed", "Активные: перенос"),
    Column("active.dropped", "Активные: отвал"),
    Column("active.total", "Активные: всего"),
    Column("overdue.planned", "Просроченные: план"),
    Column("overdue.postponed", "Просроченные: перенос"),
    Column("overdue.dropped", "Просроченные: отвал"),
    Column("overdue.total", "Просроченные: всего"),
    Column("overdue.carried", "Из них с прошлых дат"),
    Column("processed_percent", "% обработано", "percent"),
)

OPERATOR: Final = "operator"
"""The name of the first column, which is always there."""

NAMED: Final[dict[str, Column]] = {
    **{column.name: column for column in COLUMNS},
    **{column.name.replace(".", "_"): column for column in COLUMNS},
    **{
        column.name.removesuffix(".total"): column
        for column in COLUMNS
        if column.name.endswith(".total")
    },
}
"""Every way to write a column's name, as `COUNTER_NAMES` has them for figures."""


def chosen(text: str, allowed: Iterable[str]) -> list[str]:
    """Returns the names in a list with commas; raises ValueError unless each is allowed and new."""
    names = [name.strip() for name in text.split(",")]
    known = list(allowed)
    for at, name in enumerate(names):
        if name not in known:
            raise ValueError(f"there is no column {name!r}; there are {', '.join(known)}")
        if name in names[:at]:
            raise ValueError(f"the column {name!r} is named twice")
    return names


def report_columns(text: str) -> tuple[Column, ...]:
    """Returns the columns that a list with commas names, in its order; raises ValueError."""
    names = chosen(text, (OPERATOR, *NAMED))
    columns = [NAMED[name] for name in names if name != OPERATOR]
    if len(set(columns)) < len(columns):
        raise ValueError("one column is named in two ways")
    return tuple(columns)


class Sort(NamedTuple):
    """The order of a report's lines. Lines without a value come last in both directions."""

    column: Column | None = None
    """None sorts by the operators' names."""
    descending: bool = False

    @classmethod
    def parse(cls, text: str) -> "Sort":
        """Parses ``column`` or ``-column``; raises ValueError if there is no such column."""
        [name] = chosen(text.removeprefix("-"), (OPERATOR, *NAMED))
        return cls(None if name == OPERATOR else NAMED[name], text.startswith("-"))

    def arranged(self, lines: list[Line]) -> list[Line]:
        """Returns the lines, which are in the order of their names, in this one."""
        column = self.column
        if column is None:
            last = [line for line in lines if line.operator_id == WITHOUT]
            named = [line for line in lines if line.operator_id != WITHOUT]
            return [*(reversed(named) if self.descending else named), *last]
        values = [(column.value(figures(line)), line) for line in lines]
        found = [(value, line) for value, line in values if value is not None]
        found.sort(key=lambda pair: pair[0], reverse=self.descending)
        return [line for _, line in found] + [line for value, line in values if value is None]


BY_NAME: Final = Sort()


class Table(NamedTuple):
    """`above` are (label, value) lines; every row is the operator's name, then the columns."""

    above: list[tuple[str, str]]
    rows: list[tuple[str, list[int | float | None]]]
    totals: list[int | float | None]
    columns: tuple[Column, ...] = COLUMNS

    @property
    def header(self) -> list[str]:
        return [FIRST_COLUMN, *(column.title for column in self.columns)]


def table(
    merged: Merged,
    snapshot: Snapshot,
    fresh: Freshness,
    query: ReportQuery,
    *,
    computed_at: datetime,
    complete_since: str | None,
    zone: tzinfo,
    columns: tuple[Column, ...] = COLUMNS,
    sort: Sort = BY_NAME,
) -> Table:
    above = [
        *chosen_lines(merged, snapshot, query),
        *freshness_lines(fresh, computed_at, complete_since, zone),
    ]

    def values(line: Line) -> list[int | float | None]:
        of_line = figures(line)
        return [column.value(of_line) for column in columns]

    rows = [
        (operator_ref(line.operator_id, snapshot.operators)["name"], values(line))
        for line in sort.arranged(merged.lines)
    ]
    return Table(above, rows, values(merged.totals), columns)


def chosen_lines(
    merged: Merged, snapshot: Snapshot, query: ReportQuery
) -> Iterator[tuple[str, str]]:
    """Yields the dates and filters of a report, as (label, value).

    An id that has no name is not repeated, nor is the name of an id outside the caller's part.
    """
    period, scope, operator_id = query.period, query.scope, query.operator_id
    is_restricted = scope.operators is not None or scope.managers is not None

    def name(id_: str, names: dict[str, str], own: frozenset[str] | None) -> str:
        is_own = not is_restricted or bool(merged.lines) or (own is not None and id_ in own)
        return names.get(id_, UNKNOWN) if is_own else UNKNOWN

    if period.first == period.last:
        yield "Дата контакта", day_text(period.first)
    else:
        yield "Даты контакта", f"{day_text(period.first)} – {day_text(period.last)}"
    if operator_id is not None:
        without = operator_id == WITHOUT
        named = name(operator_id, snapshot.operators, scope.operators)
        yield "Оператор", WITHOUT_OPERATOR if without else named
    if scope.manager_id is not None:
        without = scope.manager_id == WITHOUT
        named = name(scope.manager_id, snapshot.managers, scope.managers)
        yield "Менеджер", WITHOUT_MANAGER if without else named
    if scope.plan_date is not None:
        without = scope.plan_date == NO_PLAN_DATE
        yield "Дата плана", "Без даты плана" if without else day_text(scope.plan_date)
    if is_restricted:
        yield "Показаны", "Только те операторы и менеджеры, которые вам доступны"


def freshness_lines(
    fresh: Freshness, computed_at: datetime, complete_since: str | None, zone: tzinfo
) -> Iterator[tuple[str, str]]:
    """Yields of what moment the figures are, as (label, value)."""
    if fresh.as_of is None:
        yield "Данные на", "Неизвестно"
    else:
        yield "Данные на", _moment(datetime.fromtimestamp(fresh.as_of / 1000, zone), zone)
    yield "Активные и просроченные на", _moment(computed_at, zone)
    if fresh.stale:
        yield "Внимание", "Данные устарели"
    if complete_since is not None:
        yield "Данные полны с", _moment(datetime.fromisoformat(complete_since), zone)


def day_text(iso: str) -> str:
    """Returns an ISO date as it is written in Russian."""
    return f"{iso[8:10]}.{iso[5:7]}.{iso[:4]}"


def _moment(at: datetime, zone: tzinfo) -> str:
    return f"{at.astimezone(zone):%d.%m.%Y %H:%M:%S} ({zone})"
