"""What a caller asks to see: dates, filters, and the part of the report they may see."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from contracts.values import Cell, OpenKey, Row

MAX_DAYS: Final = 92
"""The longest range of dates that one report covers."""

WITHOUT: Final = ""
"""The id that stands for contacts without an operator or manager."""

NO_PLAN_DATE: Final = "none"
"""The plan date that stands for contacts without one."""


class Period(NamedTuple):
    """Contact dates, both included, as ISO dates."""

    first: str
    last: str

    def holds(self, day: str) -> bool:
        return self.first <= day <= self.last

    @property
    def days(self) -> tuple[str, ...]:
        return _days(self)


@lru_cache(maxsize=256)
def _days(period: Period) -> tuple[str, ...]:
    first, last = date.fromisoformat(period.first), date.fromisoformat(period.last)
    return tuple((first + timedelta(days=n)).isoformat() for n in range((last - first).days + 1))


class Scope(NamedTuple):
    """Which contacts count. None admits all; the id "" stands for contacts without one.

    It does not include `operator_id`, which only selects a line of the finished report.
    """

    manager_id: str | None = None
    plan_date: str | None = None
    """An ISO date or `NO_PLAN_DATE`."""
    operators: frozenset[str] | None = None
    """The only operators whose figures the caller may see."""
    managers: frozenset[str] | None = None

    @property
    def is_all(self) -> bool:
        return self == EVERYTHING

    def admits(self, cell: Cell | OpenKey) -> bool:
        if self.operators is not None and (cell.operator or WITHOUT) not in self.operators:
            return False
        return self.admits_contact(cell)

    def admits_contact(self, contact: Cell | OpenKey | Row) -> bool:
        """Whether manager and plan date fit, whichever operator the contact counts for."""
        manager = contact.manager or WITHOUT
        if self.manager_id is not None and manager != self.manager_id:
            return False
        if self.managers is not None and manager not in self.managers:
            return False
        return self.plan_date is None or (contact.plan_date or NO_PLAN_DATE) == self.plan_date

    def admits_operator(self, operator: str | None) -> bool:
        return self.operators is None or (operator or WITHOUT) in self.operators


EVERYTHING: Final = Scope()


class ReportQuery(NamedTuple):
    """Which report to compute: all that its figures depend on except the time and the shards."""

    period: Period
    is_range: bool
    scope: Scope
    operator_id: str | None
    """Selects one line of the report."""
