"""The operators, managers and plan dates one can filter a period's report by."""

from collections.abc import Iterator, Mapping
from typing import Any

from contracts.values import Cell, OpenKey
from query_api.report.collation import collation_key
from query_api.report.report_json import WITHOUT_MANAGER, WITHOUT_OPERATOR
from query_api.report.scope import WITHOUT, Period, Scope
from query_api.report.snapshot import Shard, Snapshot


def pickers(snapshot: Snapshot, period: Period, scope: Scope, minute: int) -> dict[str, Any]:
    """Returns the fields of `contracts.report.Pickers` for the report at that minute."""
    operators: set[str] = set()
    managers: set[str] = set()
    plan_dates: set[str] = set()
    for shard in snapshot.shards:
        if shard is None:
            continue
        for cell in _cells(shard, period, minute):
            if scope.admits(cell):
                operators.add(cell.operator or WITHOUT)
                managers.add(cell.manager or WITHOUT)
                if cell.plan_date is not None:
                    plan_dates.add(cell.plan_date)
    return {
        "operators": _refs(operators, snapshot.operators, WITHOUT_OPERATOR),
        "managers": _refs(managers, snapshot.managers, WITHOUT_MANAGER),
        "plan_dates": sorted(plan_dates),
    }


def _cells(shard: Shard, period: Period, minute: int) -> Iterator[Cell | OpenKey]:
    """Yields what counts in the period or is carried into it."""
    for day, counts in shard.cell_counts.items():
        if period.holds(day):
            yield from (cell for cell, counters in counts.cells.items() if any(counters))
    for day, opens in shard.open_contacts.items():
        if day < period.first:
            yield from (key for key in opens.counts if key.deadline <= minute)


def _refs(ids: set[str], names: Mapping[str, str], without: str) -> list[dict[str, str]]:
    refs = [{"id": i, "name": without if i == WITHOUT else names.get(i, i)} for i in ids]
    return sorted(
        refs, key=lambda ref: (ref["id"] == WITHOUT, collation_key(ref["name"]), ref["id"])
    )
