"""A shard as a dict of dicts: what Redis would hold, without Redis."""

from collections.abc import Iterable
from typing import Any

from contracts.keys import ShardKeys
from projector.fold.calendar import Calendar
from projector.fold.facts import Fact, fact_of_event
from projector.fold.projection import Change, Projection
from projector.fold.task import facts_of

KEYS = ShardKeys("g1", 0)
START = "0001-01-01"


class MemoryShard:
    """Folds batches as the store does, and keeps what the change says."""

    def __init__(self, calendar: Calendar, horizon: str = START) -> None:
        self.hashes: dict[str, dict[str, bytes]] = {}
        self._calendar = calendar
        self._horizon = horizon
        self.projection: Projection
        self.restart()

    def restart(self) -> None:
        """Forget everything that was cached."""
        self.projection = Projection(KEYS, self._calendar, self._horizon, cached_tasks=1)

    def apply(self, events: Iterable[dict[str, Any]]) -> Change:
        facts: dict[str, list[Fact]] = {}
        for event in events:
            facts.setdefault(event["subject"], []).append(fact_of_event(event))
        projection = self.projection
        for task_id in projection.unknown_tasks(facts):
            projection.know_task(task_id, self._get(KEYS.docs, task_id))
        self._know_names(fact for many in facts.values() for fact in many)
        fold = projection.fold(facts)
        for date in projection.unknown_dates(fold.dates()):
            projection.know_date(date, self._all(KEYS.cells(date)), self._all(KEYS.open(date)))
        for address in projection.unknown_deliveries({*fold.deliveries, *fold.lost_addresses}):
            projection.know_delivery(address, self._get(KEYS.deliveries, address))
        if fold.lost:
            self._know_names(fold.lost)
            names, addresses = projection.retractions(fold)
            others = [
                facts_of(document)
                for task_id, document in self.hashes.get(KEYS.docs, {}).items()
                if not projection.knows(task_id)
            ]
            projection.retract(fold, names, addresses, others)
        change = projection.change(fold)
        projection.forget_some()
        self._write(change)
        return change

    def _know_names(self, facts: Iterable[Fact]) -> None:
        for kind, ids in self.projection.unknown_names(facts).items():
            for named in ids:
                value = self._get(KEYS.names(kind), named)
                self.projection.know_name(kind, named, value)

    def _write(self, change: Change) -> None:
        for key in change.drops:
            self.hashes.pop(key, None)
        for key, names in change.deletes.items():
            for name in names:
                self.hashes.get(key, {}).pop(name, None)
        for key, fields in change.sets.items():
            for name, value in fields.items():
                encoded = value if isinstance(value, bytes) else str(value).encode()
                self.hashes.setdefault(key, {})[name] = encoded
        self.hashes = {key: fields for key, fields in self.hashes.items() if fields}

    def _get(self, key: str, name: str) -> bytes | None:
        return self.hashes.get(key, {}).get(name)

    def _all(self, key: str) -> dict[bytes, bytes]:
        return {name.encode(): value for name, value in self.hashes.get(key, {}).items()}
