"""What a caller chose to see: dates, filters, and the part of the report that is theirs."""

from datetime import date, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

from contracts.values import Cell, OpenKey, Row

MAX_DAYS: Final = 92
"""Longest range of dates one report covers."""

WITHOUT: Final = ""
"""The id that stands for contacts without an operator or manager."""

NO_PLAN_DATE: Final = "none"
"""Chooses contacts without a plan date."""


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
    """Which contacts count. None does not choose; the id "" chooses those without one.

    The operator is no part of it: it chooses a line of the report as it is.
    """

    manager_id: str | None = None
    plan_date: str | None = None
    """An ISO date or `NO_PLAN_DATE`."""
    operators: frozenset[str] | None = None
    """Restriction: the only operators whose figures the caller sees."""
    managers: frozenset[str] | None = None

    @property
    def is_all(self) -> bool:
        return self == EVERYTHING

    def admits(self, cell: Cell | OpenKey) -> bool:
        if self.operators is not None and (cell.operator or WITHOUT) not in self.operators:
            return False
        return self.admits_contact(cell)

    def admits_contact(self, contact: Cell | OpenKey | Row) -> bool:
        """Whether the contact's manager and plan date are chosen, whoever it counts for."""
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
    """A report somebody asks for: everything its figures depend on but the time and the shards."""

    period: Period
    is_range: bool
    scope: Scope
    operator_id: str | None
    """Leaves one line of the report."""
