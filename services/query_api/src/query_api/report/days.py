"""The totals of each single day of a range, each as the report of that day gives them."""

from collections.abc import Mapping
from typing import NamedTuple

from query_api.report.merge import Line, total_of
from query_api.report.scope import Period, Scope
from query_api.report.snapshot import (
    ALWAYS,
    NEVER,
    NOBODY,
    NOTHING,
    Counters,
    Shard,
    Snapshot,
    Standing,
    add_counters,
    merge_standings,
)


class MergedDays(NamedTuple):
    """Totals by day. They are valid from the minute `since` until before `until`."""

    totals: dict[str, Line]
    since: int
    until: int


def merge_days(
    snapshot: Snapshot, period: Period, scope: Scope, operator_id: str | None, minute: int
) -> MergedDays:
    """Returns the totals of every day of the period, also of days without a contact.

    One walk over the days does: what is overdue on one day is carried to all those after it.
    Arguments are those of `merge`.
    """
    held = set(snapshot.dates)
    shards = [shard for shard in snapshot.shards if shard is not None]
    carried: dict[str, Standing] = {}
    since, until = ALWAYS, NEVER
    for shard in shards:
        split = shard.carried(scope, period.first, minute)
        since, until = max(since, split.since), min(until, split.until)
        merge_standings(carried, split.overdue)
    totals: dict[str, Line] = {}
    for day in period.days:
        counters: dict[str, Counters] = {}
        active: dict[str, Standing] = {}
        overdue: dict[str, Standing] = {}
        for shard in shards if day in held else ():
            valid = _add_day(shard, day, scope, minute, counters, active, overdue)
            since, until = max(since, valid[0]), min(until, valid[1])
        carried_here = carried
        carried = dict(carried)
        merge_standings(carried, overdue)
        totals[day] = _total(counters, active, carried, carried_here, operator_id)
    return MergedDays(totals, since, until)


def _add_day(
    shard: Shard,
    day: str,
    scope: Scope,
    minute: int,
    counters: dict[str, Counters],
    active: dict[str, Standing],
    overdue: dict[str, Standing],
) -> tuple[int, int]:
    """Adds one shard's figures of a day; returns from when until when they are valid."""
    counts = shard.cell_counts.get(day)
    if counts is not None:
        add_counters(counters, counts.by_operator(scope))
    opens = shard.open_contacts.get(day)
    if opens is None:
        return ALWAYS, NEVER
    split = opens.split(scope, minute)
    merge_standings(active, split.active)
    merge_standings(overdue, split.overdue)
    return split.since, split.until


def _total(
    counters: Mapping[str, Counters],
    active: Mapping[str, Standing],
    overdue: Mapping[str, Standing],
    carried: Mapping[str, Standing],
    operator_id: str | None,
) -> Line:
    operators = {*counters, *active, *overdue}
    if operator_id is not None:
        operators &= {operator_id}
    return total_of(
        [
            Line(
                operator,
                counters.get(operator, NOTHING),
                active.get(operator, NOBODY),
                overdue.get(operator, NOBODY),
                sum(carried.get(operator, NOBODY)),
            )
            for operator in operators
        ]
    )
