"""The shards as they were when last read, decoded; each part remembers its own sums.

To its readers every value is immutable. A newer snapshot is a new object that shares what did not
change, so a merge only sums again what did.
"""

from collections.abc import Iterable, Mapping
from functools import cached_property
from operator import add, is_
from typing import Any, Final, NamedTuple

from contracts.keys import NAMES_SEQ, Fingerprint
from contracts.meta import Meta
from contracts.values import COUNTERS, STANDINGS, Cell, NameEntry, OpenKey
from query_api.report.hour_counts import NO_HOURS, HourCounts
from query_api.report.scope import WITHOUT, Period, Scope

Counters = tuple[int, ...]
"""One number for each of `contracts.values.COUNTERS`, in their order."""

Standing = tuple[int, int, int]
"""One number for each of `contracts.values.STANDINGS`, in their order."""

Refreshes = tuple[Any, ...]
"""The trace contexts of recorded refreshes, oldest first; empty while traces are off."""

NOTHING: Final[Counters] = (0,) * len(COUNTERS)
NOBODY: Final[Standing] = (0, 0, 0)

ALWAYS: Final = -(1 << 62)
NEVER: Final = 1 << 62
"""A minute before, and one after, every deadline."""

_MEMO_SIZE: Final = 32
"""How many sums a part remembers, by scope: wallboards ask for the same few again and again."""

_AT: Final = {standing: index for index, standing in enumerate(STANDINGS)}


class ActiveOverdue(NamedTuple):
    """Open contacts by operator, split at a minute; valid from `since` until before `until`."""

    active: dict[str, Standing]
    overdue: dict[str, Standing]
    since: int
    until: int


class CellCounts:
    """The cells of one contact date of one shard."""

    __slots__ = ("_sums", "cells", "hours")

    def __init__(self, cells: Mapping[Cell, Counters], hours: HourCounts = NO_HOURS) -> None:
        """`hours` is the course of the same date, read with the cells."""
        self.cells = cells
        self.hours = hours
        self._sums: dict[Scope, dict[str, Counters]] = {}

    def by_operator(self, scope: Scope) -> dict[str, Counters]:
        known = self._sums.get(scope)
        if known is not None:
            return known
        sums: dict[str, Counters] = {}
        everything = scope.is_all
        for cell, counters in self.cells.items():
            if everything or scope.admits(cell):
                operator = cell.operator or WITHOUT
                before = sums.get(operator)
                sums[operator] = counters if before is None else tuple(map(add, before, counters))
        if len(self._sums) >= _MEMO_SIZE:
            self._sums.clear()
        self._sums[scope] = sums
        return sums


class OpenContacts:
    """The open contacts of one contact date of one shard, by their deadlines."""

    __slots__ = ("_splits", "counts")

    def __init__(self, counts: Mapping[OpenKey, int]) -> None:
        self.counts = counts
        self._splits: dict[Scope, ActiveOverdue] = {}

    def split(self, scope: Scope, minute: int) -> ActiveOverdue:
        """Contacts are overdue if their deadline is at `minute` or before."""
        known = self._splits.get(scope)
        if known is not None and known.since <= minute < known.until:
            return known
        active: dict[str, list[int]] = {}
        overdue: dict[str, list[int]] = {}
        since, until = ALWAYS, NEVER
        everything = scope.is_all
        for key, count in self.counts.items():
            if not everything and not scope.admits(key):
                continue
            if key.deadline <= minute:
                since = max(since, key.deadline)
                sums = overdue
            else:
                until = min(until, key.deadline)
                sums = active
            operator = key.operator or WITHOUT
            at = sums.get(operator)
            if at is None:
                at = sums[operator] = [0, 0, 0]
            at[_AT[key.standing]] += count
        split = ActiveOverdue(_frozen(active), _frozen(overdue), since, until)
        if len(self._splits) >= _MEMO_SIZE:
            self._splits.clear()
        self._splits[scope] = split
        return split


class _Carried(NamedTuple):
    parts: list[OpenContacts]
    split: ActiveOverdue


class Shard:
    """One shard at one seq: its meta, and the dates that were read."""

    __slots__ = ("_carried", "cell_counts", "meta", "names", "open_contacts", "seqs")

    def __init__(
        self,
        meta: Meta,
        seqs: Mapping[str, int],
        cell_counts: Mapping[str, CellCounts],
        open_contacts: Mapping[str, OpenContacts],
        names: Mapping[str, Mapping[str, NameEntry]],
        before: "Shard | None" = None,
    ) -> None:
        """`open_contacts` has every date in `seqs`, `cell_counts` those that somebody asks for.

        `before` is the same shard as last read; its sums are kept where they still hold.
        """
        self.meta = meta
        self.seqs = seqs
        self.cell_counts = cell_counts
        self.open_contacts = open_contacts
        self.names = names
        self._carried: dict[tuple[Scope, str], _Carried] = (
            before._carried if before else {}  # noqa: SLF001 -- its own class
        )

    def lacks(self, days: Iterable[str]) -> bool:
        """Whether the cells of any of these dates are yet to be read."""
        return any(day in self.seqs and day not in self.cell_counts for day in days)

    def carried(self, scope: Scope, before: str, minute: int) -> ActiveOverdue:
        """Returns the contacts dated before `before` that are overdue at `minute`."""
        parts = [opens for day, opens in self.open_contacts.items() if day < before]
        known = self._carried.get((scope, before))
        if (
            known is not None
            and known.split.since <= minute < known.split.until
            and len(known.parts) == len(parts)
            and all(map(is_, known.parts, parts))
        ):
            return known.split
        overdue: dict[str, Standing] = {}
        since, until = ALWAYS, NEVER
        for opens in parts:
            split = opens.split(scope, minute)
            since, until = max(since, split.since), min(until, split.until)
            merge_standings(overdue, split.overdue)
        split = ActiveOverdue({}, overdue, since, until)
        if len(self._carried) >= _MEMO_SIZE:
            self._carried.clear()
        self._carried[scope, before] = _Carried(parts, split)
        return split


class ReportVersion(NamedTuple):
    """What a report was computed from: at the same minute, equal versions have equal figures."""

    generation: str
    names: int
    shards: tuple[tuple[str, int, int] | None, ...]


class Snapshot:
    """All shards of one generation. A shard that does not exist yet is None."""

    def __init__(
        self,
        generation: str,
        fingerprint: Fingerprint,
        shards: tuple[Shard | None, ...],
        before: "Snapshot | None" = None,
    ) -> None:
        self.generation = generation
        self.fingerprint = fingerprint
        self.shards = shards
        self.refreshes: Refreshes = ()
        """The last refreshes that brought new figures, this snapshot's own included."""
        self._versions: dict[str, ReportVersion] = {}
        same = before is not None and [s and s.names for s in before.shards] == [
            s and s.names for s in shards
        ]
        kept = before if same else None
        self.operators: dict[str, str] = kept.operators if kept else self._latest("operator")
        self.managers: dict[str, str] = kept.managers if kept else self._latest("manager")
        self.names_version: int = 1
        """Grows when the name of an operator or manager changes."""
        if before is not None:
            was, now = (before.operators, before.managers), (self.operators, self.managers)
            self.names_version = before.names_version + (was != now)

    def _latest(self, kind: str) -> dict[str, str]:
        latest: dict[str, NameEntry] = {}
        for shard in self.shards:
            if shard is not None:
                for named, entry in shard.names.get(kind, {}).items():
                    known = latest.get(named)
                    if known is None or entry > known:
                        latest[named] = entry
        return {named: entry.text for named, entry in latest.items()}

    @cached_property
    def dates(self) -> list[str]:
        """Every contact date of any shard."""
        days = {day for shard in self.shards if shard for day in shard.open_contacts}
        return sorted(days)

    def lacks(self, days: Iterable[str]) -> bool:
        """Whether the cells of any of these dates are yet to be read."""
        return any(shard.lacks(days) for shard in self.shards if shard is not None)

    def is_of(self, generation: str, partitions: int) -> bool:
        return self.generation == generation and len(self.shards) == partitions

    @property
    def as_of(self) -> int | None:
        """The moment of the least fresh shard, in milliseconds since 1970."""
        moments = [None if shard is None else shard.meta.as_of for shard in self.shards]
        known = [moment for moment in moments if moment is not None]
        return min(known) if known and len(known) == len(moments) else None

    def is_ahead_of(self, other: "Snapshot") -> bool:
        """Whether the other snapshot, of another generation, is behind this one."""
        if self.as_of is not None and (other.as_of is None or other.as_of < self.as_of):
            return True
        mine, theirs = self.fingerprint, other.fingerprint
        if (mine.topic, mine.partitions) != (theirs.topic, theirs.partitions):
            return False  # their offsets say nothing about each other
        return any(
            one is not None and (two is None or two.meta.offset < one.meta.offset)
            for one, two in zip(self.shards, other.shards, strict=True)
        )

    def version(self, period: Period) -> ReportVersion:
        """Returns the version of the period's report: the last change of any date up to its end."""
        known = self._versions.get(period.last)
        if known is None:
            known = self._versions[period.last] = ReportVersion(
                self.generation,
                self.names_version,
                tuple(
                    None if shard is None else _moved(shard, period.last) for shard in self.shards
                ),
            )
        return known


def _moved(shard: Shard, last: str) -> tuple[str, int, int]:
    moved = [seq for day, seq in shard.seqs.items() if day <= last and day != NAMES_SEQ]
    # Seqs only grow, so the newest one shows every change except a forgotten date, which the count
    # shows.
    return shard.meta.epoch, max(moved, default=0), len(moved)


def add_counters(into: dict[str, Counters], more: Mapping[str, Counters]) -> None:
    for operator, counters in more.items():
        known = into.get(operator)
        into[operator] = counters if known is None else tuple(map(add, known, counters))


def merge_standings(into: dict[str, Standing], more: Mapping[str, Standing]) -> None:
    for operator, (planned, postponed, dropped) in more.items():
        known = into.get(operator)
        if known is None:
            into[operator] = (planned, postponed, dropped)
        else:
            into[operator] = (known[0] + planned, known[1] + postponed, known[2] + dropped)


def _frozen(sums: Mapping[str, list[int]]) -> dict[str, Standing]:
    return {operator: (at[0], at[1], at[2]) for operator, at in sums.items()}
