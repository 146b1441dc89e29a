"""Snapshots of shards without a Redis: folded events, as the reader would have read them."""

from collections.abc import Iterable, Mapping
from typing import Any

from contracts.keys import Fingerprint
from contracts.meta import Meta
from contracts.values import Cell, OpenKey, Row, join_hours
from projector.fold.calendar import Calendar
from projector.fold.cells import NOTHING, cells, hours, open_counts
from projector.fold.contacts import contacts
from projector.fold.facts import Fact
from projector.fold.task import latest_names
from projector.fold.version import FOLD_VERSION
from query_api.report.hour_counts import HourCounts
from query_api.report.snapshot import CellCounts, OpenContacts, Shard, Snapshot
from support import folded


def _meta() -> Meta:
    meta = Meta.decode({b"epoch": b"1-x", b"seq": b"1", b"offset": b"0", b"end_offset": b"0"})
    assert meta is not None
    return meta


META = _meta()


MOSCOW = Calendar.of("Europe/Moscow", "24:00")


def tasks_of(events: Iterable[dict[str, Any]]) -> dict[str, list[Fact]]:
    """The facts of each task, each identity once."""
    tasks = folded.tasks_of(events, MOSCOW)
    return {task_id: list(task.facts.values()) for task_id, task in tasks.items()}


def snapshot_of(
    events: Iterable[dict[str, Any]], calendar: Calendar = MOSCOW, partitions: int = 3
) -> Snapshot:
    """The events folded into shards, every date held."""
    shards = []
    tasks = tasks_of(events)
    for number in range(partitions):
        counts: dict[str, dict[Cell, tuple[int, ...]]] = {}
        opens: dict[str, dict[OpenKey, int]] = {}
        courses: dict[str, dict[Cell, dict[int, int]]] = {}
        names: dict[str, dict[str, Any]] = {}
        for task_id, facts in tasks.items():
            if sum(task_id.encode()) % partitions != number:
                continue
            found = contacts(facts, calendar)
            for (date, *named), more in cells(found).items():
                cell = Cell(*named)
                known = counts.setdefault(date, {}).get(cell, NOTHING)
                counts[date][cell] = tuple(a + b for a, b in zip(known, more, strict=True))
            for (date, *named), slots in hours(found).items():
                course = courses.setdefault(date, {}).setdefault(Cell(*named), {})
                for slot, times in slots.items():
                    course[slot] = course.get(slot, 0) + times
            for bucket, number_of in open_counts(found).items():
                key = OpenKey(*bucket[1:])
                of_date = opens.setdefault(bucket[0], {})
                of_date[key] = of_date.get(key, 0) + number_of
            for (kind, id_), entry in latest_names(facts).items():
                of_kind = names.setdefault(kind, {})
                of_kind[id_] = max(of_kind.get(id_, entry), entry)
        dates = counts.keys() | opens.keys()
        shards.append(
            Shard(
                META,
                dict.fromkeys(dates, 1),
                {
                    date: CellCounts(counts.get(date, {}), hour_counts(courses.get(date, {})))
                    for date in dates
                },
                {date: OpenContacts(opens.get(date, {})) for date in dates},
                names,
            )
        )
    fingerprint = Fingerprint(
        fold=FOLD_VERSION,
        timezone=str(calendar.timezone),
        day_end="24:00",
        retention_days=92,
        topic="t",
        partitions=partitions,
    )
    return Snapshot("g1", fingerprint, tuple(shards))


def hour_counts(courses: Mapping[Cell, Mapping[int, int]]) -> HourCounts:
    """The courses of a date's cells as a reader has them: fields and values in turn."""
    flat: list[bytes] = []
    for cell, slots in courses.items():
        flat += [cell.encode().encode(), join_hours(slots)]
    return HourCounts(flat)


def rows_of(events: Iterable[dict[str, Any]], calendar: Calendar = MOSCOW) -> list[Row]:
    """Returns every contact of the events as it is stored."""
    return [
        Row(task_id, *contact[:-1])
        for task_id, facts in tasks_of(events).items()
        for contact in contacts(facts, calendar)
    ]
