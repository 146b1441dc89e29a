"""Which contacts are behind a number, where they are listed, and what each contributes."""

from typing import Final, NamedTuple

from contracts.values import COUNTERS, STANDINGS, Row
from query_api.report.scope import WITHOUT, Period, Scope
from query_api.report.snapshot import Shard

OPEN_COUNTERS: Final = (
    *(f"{group}.{name}" for group in ("active", "overdue") for name in (*STANDINGS, "total")),
    "overdue.carried",
)

COUNTER_NAMES: Final[dict[str, str]] = {
    **{name: name for name in (*COUNTERS, *OPEN_COUNTERS)},
    **{name.replace(".", "_"): name for name in OPEN_COUNTERS},
    "active": "active.total",
    "overdue": "overdue.total",
}
"""Every figure of the report: how a link may spell it → its name."""

BY_CALLER: Final = ("calls", "refusals")
"""Figures that count for the caller, who may not be the contact's operator."""


NO_ORIGIN: Final = "none"
"""The origin that stands for tasks that do not name one."""


class RowFilter(NamedTuple):
    """Filters of a row's own columns. None admits all."""

    overdue: bool | None = None
    status: str | None = None
    kind: str | None = None
    origin: str | None = None
    """`manual`, `forecast` or `NO_ORIGIN`."""
    task_id: str | None = None
    client_id: str | None = None
    address_id: str | None = None
    order: str | None = None
    """The id or number of one of the row's orders."""
    min_calls: int | None = None
    max_calls: int | None = None
    min_postponements: int | None = None

    def admits(self, row: Row, *, is_overdue: bool) -> bool:
        calls = sum(count for _, count in row.calls)
        return (
            (self.overdue is None or self.overdue == is_overdue)
            and (self.status is None or self.status == row.status)
            and (self.kind is None or self.kind == row.kind)
            and (self.origin is None or self.origin == (row.origin or NO_ORIGIN))
            and (self.task_id is None or self.task_id == row.task_id)
            and (self.client_id is None or self.client_id == row.client)
            and (self.address_id is None or self.address_id == row.address)
            and (self.order is None or any(self.order in order for order in row.orders))
            and (self.min_calls is None or self.min_calls <= calls)
            and (self.max_calls is None or self.max_calls >= calls)
            and (self.min_postponements is None or self.min_postponements <= row.postponements)
        )


class RowQuery(NamedTuple):
    """Which rows to list."""

    period: Period
    scope: Scope
    operator_id: str | None
    counter: str | None
    """One of the values of `COUNTER_NAMES`."""
    row_filter: RowFilter
    minute: int
    """The minute since 1970 at which contacts are active or overdue."""

    def is_overdue(self, row: Row) -> bool:
        return row.is_open and row.deadline <= self.minute

    @property
    def takes_carried(self) -> bool:
        """Whether the rows may include contacts dated before the period."""
        if self.counter is not None:
            return self.counter.startswith("overdue.")
        return self.row_filter.overdue is True

    @property
    def takes_period(self) -> bool:
        return self.counter != "overdue.carried"

    @property
    def takes_pointers(self) -> bool:
        return self.counter in BY_CALLER

    def contribution(self, row: Row) -> int:
        """Returns what the row adds to the counter, or 1 without a counter; 0 if it does not match.

        The contributions of all rows sum to the figure of the operator, or of the totals.
        """
        scope = self.scope
        if not scope.admits_contact(row):
            return 0
        counter = self.counter
        if counter in BY_CALLER:
            if not self.period.holds(row.contact_date):
                return 0
            counts = row.calls if counter == "calls" else row.refusals
            return sum(count for operator, count in counts if self._counts_for(operator))
        if not self._counts_for(row.operator):
            return 0
        if counter is None:
            within = self.period.holds(row.contact_date)
            carried = row.contact_date < self.period.first and self.is_overdue(row)
            return int(within or (self.takes_carried and carried))
        group, _, name = counter.partition(".")
        if group == "overdue":
            return int(self.is_overdue(row) and self._is_overdue_as(row, name))
        if not self.period.holds(row.contact_date):
            return 0
        match group:
            case "planned":
                return 1
            case "ordered":
                return int(bool(row.orders))
            case "orders":
                return len(row.orders)
            case "delivered":
                return int(bool(row.orders) and row.is_delivered)
            case "dropped":
                return int(row.was_dropped)
            case "active":
                is_active = row.is_open and not self.is_overdue(row)
                return int(is_active and name in ("total", row.standing))
            case _:
                return int(row.status == group)

    def _counts_for(self, operator: str | None) -> bool:
        if self.operator_id is not None and (operator or WITHOUT) != self.operator_id:
            return False
        return self.scope.admits_operator(operator)

    def _is_overdue_as(self, row: Row, name: str) -> bool:
        if row.contact_date > self.period.last:
            return False
        if name == "carried":
            return row.contact_date < self.period.first
        return name in ("total", row.standing)

    def passes(self, row: Row) -> bool:
        """Whether the row's own columns match."""
        return self.row_filter.admits(row, is_overdue=self.is_overdue(row))


class Listing(NamedTuple):
    """A list of rows in a shard, and about how many there are in it."""

    date: str
    operator: str | None
    rows: int


def listings(shard: Shard, wanted: RowQuery) -> list[Listing]:
    """Returns the lists with every matching row; the shard must have the period's cells."""
    found = []
    scope, operator_id = wanted.scope, wanted.operator_id
    at = COUNTERS.index(wanted.counter) if wanted.counter in COUNTERS else 0
    for day, opens in sorted(shard.open_contacts.items()):
        carried = day < wanted.period.first and wanted.takes_carried
        if not carried and not (wanted.takes_period and wanted.period.holds(day)):
            continue
        operators: dict[str, int] = {}
        if carried or wanted.counter in OPEN_COUNTERS:
            split = opens.split(scope, wanted.minute)
            side = split.overdue if wanted.takes_carried else split.active
            operators = {operator: sum(standing) for operator, standing in side.items()}
        elif day in shard.cell_counts:
            for operator, counters in shard.cell_counts[day].by_operator(scope).items():
                if counters[at]:
                    operators[operator] = counters[0] + counters[1] + counters[2]
        found += [
            Listing(day, operator or None, rows)
            for operator, rows in operators.items()
            if operator_id is None or operator == operator_id
        ]
    return found
