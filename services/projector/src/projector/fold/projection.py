"""The part of a shard that its owner holds in memory, and how a batch of facts changes it.

The owner is the only writer, so what it has read or written stays true until the store refuses
a write; then everything here is dropped. All values handed to the store are absolute.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from pydantic_core import to_json

from contracts.keys import NAMES_SEQ, Cell, NameEntry, OpenKey, ShardKeys, row_pointer
from projector.fold.calendar import Calendar
from projector.fold.cells import NOTHING, Counters
from projector.fold.facts import Delivered, Fact, Planned, names_of
from projector.fold.task import (
    Pointer,
    Task,
    View,
    last_deliveries,
    latest_names,
    view_of,
)

CACHED_IDS = 100_000
"""Names, and addresses' deliveries, that a shard keeps in memory before it forgets them all."""


@dataclass
class Change:
    """Absolute values for a shard: fields to set and to delete by key, and what moved."""

    sets: dict[str, dict[str, bytes | str | int]] = field(default_factory=dict)
    deletes: dict[str, list[str]] = field(default_factory=dict)
    drops: list[str] = field(default_factory=list)
    """Whole keys to remove."""
    moved: set[str] = field(default_factory=set)
    """Dates, and `NAMES_SEQ`, whose seq moves with this change."""
    gone: list[str] = field(default_factory=list)
    """Dates that are forgotten."""

    def put(self, key: str, name: str, value: bytes | str | int) -> None:
        self.sets.setdefault(key, {})[name] = value

    def remove(self, key: str, name: str) -> None:
        self.deletes.setdefault(key, []).append(name)


@dataclass
class Fold:
    """A batch after its tasks were folded: what the change adds up to, before it is summed up."""

    tasks: dict[str, Task]
    full: list[tuple[str, Fact]]
    """Facts that their task had no room for."""
    cells: dict[tuple[str, Cell], list[int]]
    open: dict[tuple[str, OpenKey], int]
    deliveries: dict[str, str]
    """Address → date, where a task of the batch knows one."""
    lost: list[Fact]
    """Facts that made room for lesser contents: what only they told must be found again."""
    lost_addresses: set[str]
    change: Change

    def dates(self) -> set[str]:
        return {date for date, _ in self.cells} | {date for date, _ in self.open}


class Projection:
    """One shard's projection, as far as it is in memory."""

    def __init__(
        self, keys: ShardKeys, calendar: Calendar, horizon: str, *, cached_tasks: int
    ) -> None:
        self.keys = keys
        self.calendar = calendar
        self.horizon = horizon
        self._cached_tasks = cached_tasks
        self._tasks: dict[str, Task] = {}
        self._cells: dict[str, dict[Cell, Counters]] = {}
        self._open: dict[str, dict[OpenKey, int]] = {}
        self._names: dict[tuple[str, str], NameEntry | None] = {}
        self._deliveries: dict[str, str | None] = {}

    # --- what must be read before a batch can be folded --------------------------------------

    def unknown_tasks(self, task_ids: Iterable[str]) -> list[str]:
        return [task_id for task_id in task_ids if task_id not in self._tasks]

    def unknown_names(self, facts: Iterable[Fact]) -> dict[str, set[str]]:
        """Kind → ids whose name entry is not in memory."""
        unknown: dict[str, set[str]] = {}
        for fact in facts:
            for kind, (named, _) in names_of(fact):
                if (kind, named) not in self._names:
                    unknown.setdefault(kind, set()).add(named)
        return unknown

    def unknown_dates(self, dates: Iterable[str]) -> list[str]:
        return [date for date in dates if date not in self._cells]

    def unknown_deliveries(self, addresses: Iterable[str]) -> list[str]:
        return [address for address in addresses if address not in self._deliveries]

    def know_task(self, task_id: str, document: bytes | None) -> None:
        self._tasks[task_id] = Task.decode(document) if document else Task()

    def forget_tasks(self, task_ids: Iterable[str]) -> None:
        for task_id in task_ids:
            self._tasks.pop(task_id, None)

    def know_name(self, kind: str, named: str, value: bytes | None) -> None:
        self._names[kind, named] = NameEntry.decode(value) if value else None

    def know_date(self, date: str, cells: dict[bytes, bytes], open_: dict[bytes, bytes]) -> None:
        self._cells[date] = {
            Cell.decode(name): tuple(map(int, value.split(b","))) for name, value in cells.items()
        }
        self._open[date] = {OpenKey.decode(name): int(value) for name, value in open_.items()}

    def know_delivery(self, address: str, value: bytes | None) -> None:
        self._deliveries[address] = value.decode() if value else None

    # --- folding ------------------------------------------------------------------------------

    def fold(self, facts: dict[str, list[Fact]]) -> Fold:
        """Fold a batch, by task id. Every task and name must be known."""
        fold = Fold({}, [], {}, {}, {}, [], set(), Change())
        for task_id, arrived in facts.items():
            task = self._tasks.pop(task_id)
            self._tasks[task_id] = task  # most recently used
            before = task.view
            if before is None:
                before, _ = view_of(task_id, task.facts.values(), self.calendar, self.horizon)
                task.view = before
            if not self._add(fold, task_id, task, arrived):
                continue
            after, newest = view_of(task_id, task.facts.values(), self.calendar, self.horizon)
            task.view = after
            fold.tasks[task_id] = task
            fold.change.put(self.keys.docs, task_id, task.encode(newest))
            self._subtract(fold, before, after)
            if any(type(f) is Delivered or type(f) is Planned for f in arrived):
                for address, date in last_deliveries(task.facts.values(), self.calendar).items():
                    if date > fold.deliveries.get(address, ""):
                        fold.deliveries[address] = date
        return fold

    def _add(self, fold: Fold, task_id: str, task: Task, arrived: list[Fact]) -> bool:
        changed = False
        for fact in arrived:
            added, lost = task.add(fact)
            if added == "full":
                fold.full.append((task_id, fact))
            elif added != "same":
                changed = True
                if lost:
                    fold.lost.append(lost)
                    if isinstance(lost, Planned | Delivered):
                        fold.lost_addresses |= _addresses([*task.facts.values(), lost])
                self._name(fold.change, fact)
        return changed

    def _name(self, change: Change, fact: Fact) -> None:
        for kind, (named, text) in names_of(fact):
            known = self._names[kind, named]
            entry = NameEntry(*fact[:5], text)
            if known is None or entry > known:
                self._set_name(change, kind, named, entry)

    def _set_name(self, change: Change, kind: str, named: str, entry: NameEntry | None) -> None:
        self._names[kind, named] = entry
        if entry:
            change.put(self.keys.names(kind), named, entry.encode())
        else:
            change.sets.get(self.keys.names(kind), {}).pop(named, None)
            change.remove(self.keys.names(kind), named)
        if kind in ("operator", "manager"):
            change.moved.add(NAMES_SEQ)

    def _subtract(self, fold: Fold, before: View, after: View) -> None:
        for sign, view, other in ((-1, before, after), (1, after, before)):
            for cell_key, counts in view.cells.items():
                if other.cells.get(cell_key) == counts:
                    continue
                sums = fold.cells.get(cell_key)
                if sums is None:
                    sums = fold.cells[cell_key] = [0] * len(counts)
                for at, count in enumerate(counts):
                    if count:
                        sums[at] += sign * count
            for open_key, count in view.open.items():
                if other.open.get(open_key) != count:
                    fold.open[open_key] = fold.open.get(open_key, 0) + sign * count
        self._rows(fold.change, before, after)

    def _rows(self, change: Change, before: View, after: View) -> None:
        for at, rows in before.rows.items():
            kept = after.rows.get(at, {})
            for name in rows:
                if name not in kept:
                    change.remove(self.keys.rows(*at), name)
                    change.moved.add(at[0])
        for at, rows in after.rows.items():
            known = before.rows.get(at, {})
            for name, row in rows.items():
                if known.get(name) != row:
                    value = row_pointer(row.holder) if type(row) is Pointer else to_json(row[1:])
                    change.put(self.keys.rows(*at), name, value)
                    change.moved.add(at[0])

    # --- names and deliveries that only a replaced fact had told -------------------------------

    def retractions(self, fold: Fold) -> tuple[set[tuple[str, str]], set[str]]:
        """(kind, id) of names, and addresses, whose value may have come from a replaced fact."""
        names = set()
        for fact in fold.lost:
            for kind, (named, _) in names_of(fact):
                known = self._names.get((kind, named))
                if known and known[:5] == fact[:5]:
                    names.add((kind, named))
        return names, fold.lost_addresses

    def retract(
        self,
        fold: Fold,
        names: Collection[tuple[str, str]],
        addresses: Collection[str],
        others: Iterable[list[Fact]],
    ) -> None:
        """Find names and deliveries again among all tasks: `others`, and those of the batch."""
        best: dict[tuple[str, str], NameEntry] = {}
        latest: dict[str, str] = {}
        for facts in _chain(others, (list(task.facts.values()) for task in fold.tasks.values())):
            for who, entry in latest_names(facts).items():
                if who in names and (who not in best or entry > best[who]):
                    best[who] = entry
            for address, date in last_deliveries(facts, self.calendar).items():
                if address in addresses and date > latest.get(address, ""):
                    latest[address] = date
        for kind, named in names:
            self._set_name(fold.change, kind, named, best.get((kind, named)))
        for address in addresses:
            fold.deliveries.pop(address, None)
            found = latest.get(address)
            if found != self._deliveries.get(address):
                self._deliveries[address] = found
                if found:
                    fold.change.put(self.keys.deliveries, address, found)
                else:
                    fold.change.remove(self.keys.deliveries, address)

    # --- the change ----------------------------------------------------------------------------

    def change(self, fold: Fold) -> Change:
        """Sum the fold up into absolute values. Its dates and deliveries must be known."""
        change = fold.change
        for (date, cell), difference in fold.cells.items():
            if not any(difference):
                continue
            cells = self._cells[date]
            counts = tuple(map(sum, zip(cells.get(cell, NOTHING), difference, strict=True)))
            change.moved.add(date)
            if any(counts):
                cells[cell] = counts
                change.put(self.keys.cells(date), cell.encode(), ",".join(map(str, counts)))
            else:
                del cells[cell]
                change.remove(self.keys.cells(date), cell.encode())
        for (date, key), more in fold.open.items():
            if not more:
                continue
            open_ = self._open[date]
            count = open_.get(key, 0) + more
            change.moved.add(date)
            if count:
                open_[key] = count
                change.put(self.keys.open(date), key.encode(), count)
            else:
                del open_[key]
                change.remove(self.keys.open(date), key.encode())
        for address, latest in fold.deliveries.items():
            if latest > (self._deliveries.get(address) or ""):
                self._deliveries[address] = latest
                change.put(self.keys.deliveries, address, latest)
        self._forget_some()
        return change

    def _forget_some(self) -> None:
        for task_id in list(self._tasks)[: max(0, len(self._tasks) - self._cached_tasks)]:
            del self._tasks[task_id]
        if len(self._names) > CACHED_IDS:
            self._names.clear()
        if len(self._deliveries) > CACHED_IDS:
            self._deliveries.clear()

    def advance(self, horizon: str, dates: Iterable[str]) -> Change:
        """Forget the contact dates before `horizon`, of all `dates` the shard has (known ones)."""
        change = Change()
        for date in dates:
            if date >= horizon:
                continue
            operators = {cell.operator for cell in self._cells[date]}
            change.drops += [self.keys.cells(date), self.keys.open(date)]
            change.drops += [self.keys.rows(date, operator) for operator in operators]
            change.gone.append(date)
            del self._cells[date], self._open[date]
        self.horizon = horizon
        self._tasks.clear()  # their views hold contacts that are now before the horizon
        return change


def _addresses(facts: Iterable[Fact]) -> set[str]:
    return {fact.address[0] for fact in facts if isinstance(fact, Planned)}


def _chain(*many: Iterable[list[Fact]]) -> Iterator[list[Fact]]:
    for one in many:
        yield from one
