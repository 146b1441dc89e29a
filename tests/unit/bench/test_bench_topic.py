"""The events that fill a topic for the benchmarks."""

from collections import Counter, defaultdict
from datetime import date
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from aiokafka.partitioner import murmur2
from pydantic_core import from_json

from contracts.events import EVENT_ADAPTER
from projector.fold.calendar import Calendar
from projector.fold.contacts import contacts
from projector.fold.facts import fact_of_event
from topic import Record, records_of

DATE = date(2025, 11, 24)


def records(tasks: int, events_per_task: int = 5, days: int = 1) -> list[Record]:
    return list(records_of(tasks, 7, DATE, events_per_task, days, "bench", 8))


@pytest.mark.parametrize(("tasks", "per_task"), [(1, 5), (2, 1), (100, 2), (337, 5), (100, 9)])
def test_each_task_has_so_many_events_and_one_contact(tasks: int, per_task: int) -> None:
    of_task = defaultdict(list)
    for key, partition, _, value in records(tasks, per_task):
        event = EVENT_ADAPTER.validate_json(value)
        assert key.decode() == event.subject
        assert partition == (murmur2(key) & 0x7FFFFFFF) % 8
        of_task[event.subject].append(fact_of_event(from_json(value)))
    assert len(of_task) == tasks
    calendar = Calendar(ZoneInfo("Europe/Moscow"))
    for facts in of_task.values():
        assert len({fact.id for fact in facts}) == len(facts) == per_task
        (contact,) = contacts(facts, calendar)
        assert contact.contact_date == DATE.isoformat()


def test_contacts_have_every_outcome() -> None:
    of_task = defaultdict(list)
    for key, _, _, value in records(200):
        of_task[key].append(fact_of_event(from_json(value)))
    calendar = Calendar(ZoneInfo("Europe/Moscow"))
    ends = Counter(contacts(facts, calendar)[0].status for facts in of_task.values())
    assert ends == {"ordered": 80, "open": 40, "refused": 40, "no_contact": 20, "dropped": 20}


def test_events_come_in_order_of_time_and_tasks_interleave() -> None:
    made = records(600)
    assert all(earlier[2] <= later[2] for earlier, later in pairwise(made))
    after_the_plans = [key for key, *_ in made[600:]]
    assert sum(one == next_one for one, next_one in pairwise(after_the_plans)) < 10


def test_record_timestamps_are_the_times_of_their_events() -> None:
    for _, _, milliseconds, value in records(50):
        time = EVENT_ADAPTER.validate_json(value).time
        assert int(time.timestamp() * 1000) == milliseconds


def test_tasks_are_divided_among_several_days() -> None:
    on = Counter(
        from_json(value)["data"]["contact_date"]
        for _, _, _, value in records(90, days=3)
        if b"task-planned" in value
    )
    assert on == {"2025-11-22": 30, "2025-11-23": 30, "2025-11-24": 30}
