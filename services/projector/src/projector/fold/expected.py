"""What a shard must hold, folded from facts alone: the yardstick of `verify`.

It shares the rules with the projection (contacts, what they count, where their rows are listed)
and nothing of how the projection keeps sums, caches and differences.
"""

from collections.abc import Iterable, Mapping

from contracts.keys import NAME_KINDS, ShardKeys
from contracts.values import (
    Cell,
    OpenKey,
    encode_name,
    encode_row,
    join_counters,
    join_hours,
    row_field,
    row_pointer,
)
from projector.fold.calendar import Calendar
from projector.fold.cells import CellKey, OpenBucket, Sums, bucket, count
from projector.fold.contacts import Contact
from projector.fold.facts import Fact
from projector.fold.task import Task, last_deliveries, latest_names, listings

Hash = dict[bytes, bytes]


class Expected:
    """A whole shard in memory, by plain sums over its tasks."""

    def __init__(self, keys: ShardKeys, calendar: Calendar) -> None:
        self.keys = keys
        self.tasks: dict[str, Task] = {}
        self._calendar = calendar
        self._cells: dict[CellKey, Sums] = {}
        self._open: dict[OpenBucket, int] = {}
        self._rows: dict[str, Hash] = {}
        self._places: dict[str, set[str]] = {}
        """Date → keys of its rows."""

    def add(self, facts: Mapping[str, Iterable[Fact]]) -> list[Fact]:
        """Take facts in, by task id; those that their task had no room for."""
        full = []
        for task_id, arrived in facts.items():
            task = self.tasks.setdefault(task_id, Task(self._calendar))
            full += [fact for fact in arrived if task.add(fact)[0] == "full"]
            self._count(task_id, task.contacts, -1)
            task.fold()
            self._count(task_id, task.contacts, 1)
        return full

    def _count(self, task_id: str, contacts: Iterable[Contact], sign: int) -> None:
        for contact in contacts:
            count(self._cells, contact, sign)
            key = bucket(contact)
            if key:
                self._open[key] = self._open.get(key, 0) + sign
            name = row_field(task_id, contact.contact_no).encode()
            for place, is_held in listings(contact).items():
                rows_key = self.keys.rows(*place)
                rows = self._rows.setdefault(rows_key, {})
                self._places.setdefault(place[0], set()).add(rows_key)
                if sign < 0:
                    del rows[name]
                else:
                    rows[name] = encode_row(contact) if is_held else row_pointer(contact.operator)

    def dates(self) -> set[str]:
        """Contact dates that have any rows."""
        return {date for date, places in self._places.items() if any(map(self._rows.get, places))}

    def hashes(self, date: str, horizon: str) -> dict[str, Hash]:
        """Every hash of a date by its key; all empty before the horizon."""
        keys = (self.keys.cells(date), self.keys.hours(date), self.keys.open(date))
        found: dict[str, Hash] = {key: {} for key in keys}
        found |= {key: {} for key in self._places.get(date, ())}
        if date < horizon:
            return found
        cells, hours = found[self.keys.cells(date)], found[self.keys.hours(date)]
        for (day, *where), sums in self._cells.items():
            if day != date:
                continue
            name = Cell(*where).encode().encode()
            if any(sums.counters):
                cells[name] = join_counters(sums.counters).encode()
            if any(sums.hours.values()):
                hours[name] = join_hours(sums.hours)
        for at, number in self._open.items():
            if at[0] == date and number:
                found[self.keys.open(date)][OpenKey(*at[1:]).encode().encode()] = b"%d" % number
        return found | {key: dict(self._rows[key]) for key in self._places.get(date, ())}

    def names(self) -> dict[str, Hash]:
        """The name hashes by key."""
        found: dict[str, Hash] = {self.keys.names(kind): {} for kind in NAME_KINDS}
        facts = (fact for task in self.tasks.values() for fact in task.facts.values())
        for (kind, named), entry in latest_names(facts).items():
            found[self.keys.names(kind)][named.encode()] = encode_name(entry)
        return found

    def deliveries(self) -> Hash:
        latest: dict[str, str] = {}
        for task in self.tasks.values():
            for address, date in last_deliveries(task.facts.values(), self._calendar).items():
                latest[address] = max(latest.get(address, ""), date)
        return {address.encode(): date.encode() for address, date in latest.items()}
