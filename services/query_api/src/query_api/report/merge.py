"""The report of a period, merged over the shards (docs/report.md), as of a minute."""

from typing import NamedTuple

from query_api.report.collation import collation_key
from query_api.report.scope import WITHOUT, Period, Scope
from query_api.report.snapshot import (
    ALWAYS,
    NEVER,
    NOBODY,
    NOTHING,
    Counters,
    Snapshot,
    Standing,
    add_counters,
    merge_standings,
)


class Line(NamedTuple):
    """The figures of one operator, or the totals."""

    operator_id: str
    counters: Counters
    active: Standing
    overdue: Standing
    carried: int

    @property
    def is_empty(self) -> bool:
        return not (any(self.counters) or any(self.active) or any(self.overdue))


class Merged(NamedTuple):
    """The report as numbers. It is valid from the minute `since` until before `until`."""

    lines: list[Line]
    totals: Line
    since: int
    until: int


def merge(
    snapshot: Snapshot, period: Period, scope: Scope, operator_id: str | None, minute: int
) -> Merged:
    """Returns the report of the contacts in the scope; `operator_id` selects one line of it.

    `minute` is the moment of active and overdue, in minutes since 1970. The snapshot must hold
    the cells of the whole period (see `Snapshot.lacks`).
    """
    counters: dict[str, Counters] = {}
    active: dict[str, Standing] = {}
    overdue: dict[str, Standing] = {}
    carried: dict[str, Standing] = {}
    since, until = ALWAYS, NEVER
    days = [day for day in snapshot.dates if period.holds(day)]
    for shard in snapshot.shards:
        if shard is None:
            continue
        for day in days:
            counts = shard.cell_counts.get(day)
            if counts is not None:
                add_counters(counters, counts.by_operator(scope))
            opens = shard.open_contacts.get(day)
            if opens is not None:
                split = opens.split(scope, minute)
                since, until = max(since, split.since), min(until, split.until)
                merge_standings(active, split.active)
                merge_standings(overdue, split.overdue)
        split = shard.carried(scope, period.first, minute)
        since, until = max(since, split.since), min(until, split.until)
        merge_standings(carried, split.overdue)
    merge_standings(overdue, carried)

    operators = {*counters, *active, *overdue}
    if operator_id is not None:
        operators &= {operator_id}
    lines = [
        Line(
            operator,
            counters.get(operator, NOTHING),
            active.get(operator, NOBODY),
            overdue.get(operator, NOBODY),
            sum(carried.get(operator, NOBODY)),
        )
        for operator in operators
    ]
    lines = [line for line in lines if not line.is_empty]
    names = snapshot.operators
    lines.sort(
        key=lambda line: (
            line.operator_id == WITHOUT,
            collation_key(names.get(line.operator_id, line.operator_id)),
            line.operator_id,
        )
    )
    return Merged(lines, total_of(lines), since, until)


def total_of(lines: list[Line]) -> Line:
    """Returns the sum of the lines, as the totals of a report."""
    if not lines:
        return Line(WITHOUT, NOTHING, NOBODY, NOBODY, 0)
    planned, postponed, dropped = zip(*(line.active for line in lines), strict=True)
    late_planned, late_postponed, late_dropped = zip(*(line.overdue for line in lines), strict=True)
    return Line(
        WITHOUT,
        tuple(map(sum, zip(*(line.counters for line in lines), strict=True))),
        (sum(planned), sum(postponed), sum(dropped)),
        (sum(late_planned), sum(late_postponed), sum(late_dropped)),
        sum(line.carried for line in lines),
    )


def percent(part: int, whole: int) -> float | None:
    """Returns a share of the whole in percent, to one decimal, half up; None if there is no whole.

    >>> percent(1, 8), percent(1, 16), percent(0, 0)
    (12.5, 6.3, None)
    """
    return (2_000 * part + whole) // (2 * whole) / 10 if whole else None
