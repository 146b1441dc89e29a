"""The course of one contact date of one shard, as Redis holds it until somebody asks for it."""

from collections.abc import Sequence
from operator import add
from typing import Final

from contracts.values import HOUR_BUCKETS, HOUR_MEASURES, Cell, split_hours
from query_api.report.scope import WITHOUT, Scope

Course = tuple[int, ...]
"""One count for each slot (see `contracts.values.join_hours`): bucket after bucket, in each of them
one for each of `HOUR_MEASURES`."""

SLOTS: Final = HOUR_BUCKETS * len(HOUR_MEASURES)

EMPTY_COURSE: Final[Course] = (0,) * SLOTS

_MEMO_SIZE: Final = 32
"""How many sums a part remembers, by scope and operator."""


class HourCounts:
    """The courses of a date's cells, decoded at the first sum: most are never asked for."""

    __slots__ = ("_cells", "_flat", "_sums")

    def __init__(self, flat: Sequence[bytes] = ()) -> None:
        """`flat` has field and value of each cell in turn, as HGETALL answers them."""
        self._flat = flat
        self._cells: list[tuple[Cell, dict[int, int]]] | None = None
        self._sums: dict[tuple[Scope, str | None], Course] = {}

    def course(self, scope: Scope, operator_id: str | None) -> Course:
        """Returns the sum within a scope, of one operator if an id is given."""
        asked = scope, operator_id
        known = self._sums.get(asked)
        if known is not None:
            return known
        total = [0] * SLOTS
        everything = scope.is_all
        for cell, counts in self._decoded():
            if operator_id is not None and (cell.operator or WITHOUT) != operator_id:
                continue
            if everything or scope.admits(cell):
                for slot, count in counts.items():
                    total[slot] += count
        if len(self._sums) >= _MEMO_SIZE:
            self._sums.clear()
        found = self._sums[asked] = tuple(total)
        return found

    def _decoded(self) -> list[tuple[Cell, dict[int, int]]]:
        if self._cells is None:
            fields = iter(self._flat)
            self._cells = [
                (Cell.decode(field), split_hours(value))
                for field, value in zip(fields, fields, strict=True)
            ]
            self._flat = ()
        return self._cells


NO_HOURS: Final = HourCounts()


def add_courses(one: Course, other: Course) -> Course:
    return tuple(map(add, one, other))
