"""A shard as a dict of dicts: what Redis would hold, without Redis."""

from collections.abc import Iterable
from typing import Any

from contracts.keys import ShardKeys
from projector.fold.batch import Batch, Prepared
from projector.fold.calendar import Calendar
from projector.fold.change import Change
from projector.fold.facts import Fact, fact_of_event
from projector.fold.needs import Answers, Needs
from projector.fold.projection import Projection

KEYS = ShardKeys("g1", 0)
START = "0001-01-01"


class MemoryShard:
    """Folds batches as the store does, and applies the changes."""

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
        return self.fold(events).change

    def fold(self, events: Iterable[dict[str, Any]]) -> Prepared:
        """Apply events; returns also the facts that their tasks had no room for."""
        facts: dict[str, list[Fact]] = {}
        for event in events:
            facts.setdefault(event["subject"], []).append(fact_of_event(event))
        batch = Batch(self.projection, facts)
        step = batch.begin()
        while isinstance(step, Needs):
            step = batch.take(self._read(step))
        self.projection.forget_some()
        self._write(step.change)
        return step

    def _read(self, needs: Needs) -> Answers:
        documents = self.hashes.get(KEYS.docs, {})
        return Answers(
            tasks={task_id: documents.get(task_id) for task_id in needs.tasks},
            names={
                kind: {named: self._get(KEYS.names(kind), named) for named in ids}
                for kind, ids in needs.names.items()
            },
            dates={
                date: (
                    self._all(KEYS.cells(date)),
                    self._all(KEYS.hours(date)),
                    self._all(KEYS.open(date)),
                )
                for date in needs.dates
            },
            deliveries={
                address: self._get(KEYS.deliveries, address) for address in needs.deliveries
            },
            documents={
                task_id: document
                for task_id, document in documents.items()
                if any(needle in document for needle in needs.documents_with)
            },
        )

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
