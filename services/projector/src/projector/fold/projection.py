"""The part of a shard that its owner holds in memory, and how a batch of facts changes it.

The owner is the only writer, so what it has read or written stays true until the store refuses
a write; then everything here is dropped. All values handed to the store are absolute.
"""

from collections.abc import Collection, Iterable
from itertools import chain, zip_longest
from operator import add
from typing import Final

from contracts.keys import NAME_KINDS, NAMES_SEQ, ShardKeys
from contracts.values import (
    Cell,
    NameEntry,
    OpenKey,
    encode_name,
    encode_row,
    join_counters,
    join_hours,
    row_field,
    row_pointer,
    split_counters,
    split_hours,
)
from projector.fold.calendar import Calendar
from projector.fold.cells import NOTHING, Counters, Hours, bucket, count
from projector.fold.change import Change, Fold, Who
from projector.fold.contacts import Contact
from projector.fold.facts import Delivered, Fact, Planned, names_of
from projector.fold.needs import Answers
from projector.fold.task import Listing, Task, last_deliveries, latest_names, listings

CACHED_IDS: Final = 20_000
"""Names of a kind, and addresses' deliveries, that a shard keeps before it forgets them all."""

_TELL_DELIVERIES: Final = {Planned, Delivered}

Name = tuple[int, str, int, str, str, str]
"""A `NameEntry`, as the bare tuple it compares like."""


class Projection:
    """One shard's projection, as far as it is in memory.

    What is `unknown` must be read and made known before it is used; `Batch` sees to the order.
    """

    def __init__(
        self, keys: ShardKeys, calendar: Calendar, horizon: str, *, cached_tasks: int
    ) -> None:
        self.keys = keys
        self.calendar = calendar
        self.horizon = horizon
        self._cached_tasks = cached_tasks
        self._tasks: dict[str, Task] = {}
        self._cells: dict[str, dict[Cell, Counters]] = {}
        self._hours: dict[str, dict[Cell, bytes]] = {}
        """Undecoded, since a course in memory is several times as large as its text."""
        self._open: dict[str, dict[OpenKey, int]] = {}
        self._names: dict[str, dict[str, Name | None]] = {kind: {} for kind in NAME_KINDS}
        self._row_keys: dict[Listing, str] = {}
        self._encoded: dict[Cell | OpenKey, str] = {}
        self._deliveries: dict[str, str | None] = {}

    # --- what must be read first ----------------------------------------------------------------

    def unknown_tasks(self, task_ids: Iterable[str]) -> list[str]:
        return [task_id for task_id in task_ids if task_id not in self._tasks]

    def unknown_names(self, facts: Iterable[Fact]) -> dict[str, set[str]]:
        """Kind → ids whose name entry is not in memory."""
        unknown: dict[str, set[str]] = {}
        known = self._names
        for fact in facts:
            for kind, pair in names_of(fact):
                if pair[0] not in known[kind]:
                    unknown.setdefault(kind, set()).add(pair[0])
        return unknown

    def unknown_dates(self, dates: Iterable[str]) -> list[str]:
        return [date for date in dates if date not in self._cells]

    def unknown_deliveries(self, addresses: Iterable[str]) -> list[str]:
        return [address for address in addresses if address not in self._deliveries]

    def know(self, answers: Answers) -> None:
        """Take into memory what was read."""
        calendar = self.calendar
        for task_id, document in answers.tasks.items():
            self._tasks[task_id] = Task.decode(document, calendar) if document else Task(calendar)
        for kind, entries in answers.names.items():
            known = self._names[kind]
            for named, value in entries.items():
                known[named] = NameEntry.decode(value) if value else None
        for date, (cells, hours, open_) in answers.dates.items():
            self._cells[date] = {
                Cell.decode(name): split_counters(value) for name, value in cells.items()
            }
            self._hours[date] = {Cell.decode(name): value for name, value in hours.items()}
            self._open[date] = {OpenKey.decode(name): int(value) for name, value in open_.items()}
        for address, value in answers.deliveries.items():
            self._deliveries[address] = value.decode() if value else None

    def forget_tasks(self, task_ids: Iterable[str]) -> None:
        for task_id in task_ids:
            self._tasks.pop(task_id, None)

    def fold(self, facts: dict[str, list[Fact]]) -> Fold:
        """Fold a batch, by task id. Every task and name must be known."""
        fold = Fold()
        docs: dict[str, bytes | str | int] = {}
        for task_id, arrived in facts.items():
            task = self._tasks.pop(task_id)
            self._tasks[task_id] = task  # the most recently used one is last
            if not self._add(fold, task_id, task, arrived):
                continue
            fold.tasks[task_id] = task
            before = task.contacts
            task.fold()
            self._subtract(fold, task_id, before, task.contacts)
            docs[task_id] = task.encode()
            if not _TELL_DELIVERIES.isdisjoint(map(type, arrived)):
                for address, date in last_deliveries(task.facts.values(), self.calendar).items():
                    if date > fold.deliveries.get(address, ""):
                        fold.deliveries[address] = date
        if docs:
            fold.change.sets[self.keys.docs] = docs
        return fold

    def _add(self, fold: Fold, task_id: str, task: Task, arrived: list[Fact]) -> bool:
        is_changed = False
        for fact in arrived:
            added, lost = task.add(fact)
            if added == "same":
                continue
            if added == "full":
                fold.full.append((task_id, fact))
                continue
            is_changed = True
            if lost:
                fold.lost.append(lost)
                if isinstance(lost, Planned | Delivered):
                    fold.lost_addresses |= _addresses([*task.facts.values(), lost])
            for kind, (named, text) in names_of(fact):
                known = self._names[kind][named]
                if known is None or known[0] <= fact.seconds:
                    entry: Name = (*fact[:5], text)
                    if known is None or entry > known:
                        self._names[kind][named] = entry
                        fold.names.setdefault((kind, named), known[5] if known else None)
        return is_changed

    def _subtract(
        self, fold: Fold, task_id: str, before: list[Contact], after: list[Contact]
    ) -> None:
        """Take away what the contacts counted, add what they count; the same for their rows."""
        for at, (old, new) in enumerate(zip_longest(before, after), 1):
            if old == new:
                continue
            if old and old.contact_date < self.horizon:
                old = None
            if new and new.contact_date < self.horizon:
                new = None
            for contact, sign in ((old, -1), (new, 1)):
                if contact:
                    count(fold.cells, contact, sign)
                    key = bucket(contact)
                    if key:
                        fold.open[key] = fold.open.get(key, 0) + sign
            self._list(fold.change, row_field(task_id, at), old, new)

    def _list(self, change: Change, name: str, old: Contact | None, new: Contact | None) -> None:
        places = listings(new) if new else {}
        if old:
            for place in listings(old):
                if place not in places:
                    change.moved.add(place[0])
                    change.remove(self._rows(place), name)
        if new:
            change.moved.add(new.contact_date)
            for place, is_held in places.items():
                value = encode_row(new) if is_held else row_pointer(new.operator)
                change.put(self._rows(place), name, value)

    def _rows(self, place: Listing) -> str:
        key = self._row_keys.get(place)
        if key is None:
            key = self._row_keys[place] = self.keys.rows(*place)
        return key

    # --- names and deliveries that only a replaced fact had given ---------------------------------

    def retractions(self, fold: Fold) -> tuple[set[Who], set[str]]:
        """Names, and addresses, whose value may have come from a replaced fact."""
        names = set()
        for fact in fold.lost:
            for kind, (named, _) in names_of(fact):
                known = self._names[kind].get(named)
                if known and known[:5] == fact[:5]:
                    names.add((kind, named))
        return names, fold.lost_addresses

    def retract(
        self,
        fold: Fold,
        names: Collection[Who],
        addresses: Collection[str],
        others: Iterable[list[Fact]],
    ) -> None:
        """Find names and deliveries again among all tasks: `others`, and those in memory."""
        best: dict[Who, NameEntry] = {}
        latest: dict[str, str] = {}
        mine = (list(task.facts.values()) for task in self._tasks.values())
        for facts in chain(others, mine):
            for who, entry in latest_names(facts).items():
                if who in names and (who not in best or entry > best[who]):
                    best[who] = entry
            for address, date in last_deliveries(facts, self.calendar).items():
                if address in addresses and date > latest.get(address, ""):
                    latest[address] = date
        for kind, named in names:
            known = self._names[kind].get(named)
            fold.names.setdefault((kind, named), known[5] if known else None)
            self._names[kind][named] = best.get((kind, named))
        for address in addresses:
            fold.deliveries.pop(address, None)
            found = latest.get(address)
            if found != self._deliveries[address]:
                self._deliveries[address] = found
                if found:
                    fold.change.put(self.keys.deliveries, address, found)
                else:
                    fold.change.remove(self.keys.deliveries, address)

    # --- the change -------------------------------------------------------------------------------

    def change(self, fold: Fold) -> Change:
        """Sum the fold up into absolute values. Its dates and deliveries must be known."""
        change = fold.change
        for where, difference in fold.cells.items():
            date, cell = where[0], Cell(*where[1:])
            if any(difference.counters):
                self._change_cell(change, date, cell, difference.counters)
            if any(difference.hours.values()):
                self._change_hours(change, date, cell, difference.hours)
        for at, more in fold.open.items():
            if not more:
                continue
            date, key = at[0], OpenKey(*at[1:])
            open_ = self._open[date]
            number = open_.get(key, 0) + more
            change.moved.add(date)
            if number:
                open_[key] = number
                change.put(self.keys.open(date), self._field(key), number)
            else:
                del open_[key]
                change.remove(self.keys.open(date), self._field(key))
        for who, old in fold.names.items():
            _change_name(change, self.keys, who, old, self._names[who[0]][who[1]])
        for address, latest in fold.deliveries.items():
            if latest > (self._deliveries[address] or ""):
                self._deliveries[address] = latest
                change.put(self.keys.deliveries, address, latest)
        return change

    def _change_cell(self, change: Change, date: str, cell: Cell, difference: list[int]) -> None:
        cells = self._cells[date]
        counts = tuple(map(add, cells.get(cell, NOTHING), difference))
        change.moved.add(date)
        if any(counts):
            cells[cell] = counts
            change.put(self.keys.cells(date), self._field(cell), join_counters(counts))
        else:
            del cells[cell]
            change.remove(self.keys.cells(date), self._field(cell))

    def _change_hours(self, change: Change, date: str, cell: Cell, difference: Hours) -> None:
        of_date = self._hours[date]
        known = of_date.get(cell)
        counts = split_hours(known) if known else {}
        for slot, more in difference.items():
            counts[slot] = counts.get(slot, 0) + more
        change.moved.add(date)
        value = of_date[cell] = join_hours(counts)
        if value:
            change.put(self.keys.hours(date), self._field(cell), value)
        else:
            del of_date[cell]
            change.remove(self.keys.hours(date), self._field(cell))

    def _field(self, key: Cell | OpenKey) -> str:
        name = self._encoded.get(key)
        if name is None:
            name = self._encoded[key] = key.encode()
        return name

    def forget_some(self) -> None:
        """Keep memory bounded. Only when all changes are written: what is forgotten is re-read."""
        for task_id in list(self._tasks)[: max(0, len(self._tasks) - self._cached_tasks)]:
            del self._tasks[task_id]
        for names in self._names.values():
            if len(names) > CACHED_IDS:
                names.clear()
        for encoded in (self._row_keys, self._encoded):
            if len(encoded) > CACHED_IDS:
                encoded.clear()
        if len(self._deliveries) > CACHED_IDS:
            self._deliveries.clear()

    def advance(self, horizon: str, dates: Iterable[str]) -> Change:
        """Forget the contact dates before `horizon`, of all `dates` the shard has (known ones)."""
        change = Change()
        for date in dates:
            if date >= horizon:
                continue
            operators = {cell.operator for cell in self._cells[date]}
            change.drops += [self.keys.cells(date), self.keys.hours(date), self.keys.open(date)]
            change.drops += [self.keys.rows(date, operator) for operator in operators]
            change.gone.append(date)
            del self._cells[date], self._hours[date], self._open[date]
        self.horizon = horizon
        return change


def _change_name(
    change: Change, keys: ShardKeys, who: Who, old: str | None, entry: Name | None
) -> None:
    """Set or remove the entry of a name; its seq moves if another name is shown by now."""
    kind, named = who
    if entry:
        change.put(keys.names(kind), named, encode_name(entry))
    else:
        change.remove(keys.names(kind), named)
    if kind in ("operator", "manager") and old != (entry[5] if entry else None):
        change.moved.add(NAMES_SEQ)


def _addresses(facts: Iterable[Fact]) -> set[str]:
    return {fact.address[0] for fact in facts if isinstance(fact, Planned)}
