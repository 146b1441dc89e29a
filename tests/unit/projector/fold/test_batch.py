"""In which order a batch has its shard read, and that it asks for nothing twice."""

from typing import Any

import pytest

from projector.fold.batch import Batch, Prepared
from projector.fold.calendar import Calendar
from projector.fold.change import Change
from projector.fold.facts import Fact, fact_of_event
from projector.fold.needs import Answers, Needs
from projector.fold.projection import Projection
from support.events import DAY, called, planned
from support.memory_shard import KEYS, START, MemoryShard

MOSCOW = Calendar.of("Europe/Moscow", "24:00")


def facts(*events: dict[str, Any]) -> dict[str, list[Fact]]:
    found: dict[str, list[Fact]] = {}
    for event in events:
        found.setdefault(event["subject"], []).append(fact_of_event(event))
    return found


def test_documents_and_names_are_read_before_dates_and_deliveries() -> None:
    projection = Projection(KEYS, MOSCOW, START, cached_tasks=10)
    batch = Batch(projection, facts(planned("T1")))
    first = batch.begin()
    assert isinstance(first, Needs)
    assert first.tasks == ["T1"]
    assert first.names.keys() == {"client", "address", "operator", "manager"}
    assert first == Needs(tasks=first.tasks, names=first.names)
    names = {kind: dict.fromkeys(ids) for kind, ids in first.names.items()}
    second = batch.take(Answers(tasks={"T1": None}, names=names))
    assert isinstance(second, Needs)
    assert second.dates == [DAY]
    assert second == Needs(dates=second.dates, deliveries=second.deliveries)
    done = batch.take(
        Answers(dates={DAY: ({}, {}, {})}, deliveries=dict.fromkeys(second.deliveries))
    )
    assert isinstance(done, Prepared)
    assert done.change.moved >= {DAY}
    assert done.full == []


def test_a_batch_about_what_is_in_memory_needs_nothing() -> None:
    shard = MemoryShard(MOSCOW)
    shard.apply([planned("T1")])
    assert isinstance(Batch(shard.projection, facts(called("T1"))).begin(), Prepared)


def test_an_empty_batch_changes_nothing() -> None:
    projection = Projection(KEYS, MOSCOW, START, cached_tasks=10)
    prepared = Batch(projection, {}).begin()
    assert isinstance(prepared, Prepared)
    assert prepared == Prepared(Change(), [])


def test_needs_are_true_if_anything_is_to_be_read() -> None:
    assert not Needs()
    for asked in (
        Needs(tasks=["T1"]),
        Needs(names={"client": {"c-1"}}),
        Needs(dates=[DAY]),
        Needs(deliveries=["a-1"]),
        Needs(documents_with=[b"c-1"]),
    ):
        assert asked


def test_documents_are_not_searched_for_a_name_that_a_newer_event_gave() -> None:
    shard = MemoryShard(MOSCOW)
    replaced = called("T1", operator="op-9", at="10:00")
    shard.apply([planned("T1"), replaced, called("T1", operator="op-9", at="11:00")])
    lesser = {**replaced, "data": {**replaced["data"], "outcome": "busy"}}
    assert isinstance(Batch(shard.projection, facts(lesser)).begin(), Prepared)


def test_facts_that_their_tasks_have_no_room_for_are_given_back_and_the_others_count(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("projector.fold.task.MAX_TASK_EVENTS", 2)
    shard = MemoryShard(MOSCOW)
    shard.apply([planned("T1"), called("T1", call_id="k1")])
    again = called("T1", call_id="k1", at="10:00")
    lost = [called("T1", call_id="k2"), called("T1", call_id="k3")]
    prepared = shard.fold([*lost, again, planned("T2"), called("T2", call_id="k4")])
    refused = [fact_of_event(event) for event in (*lost, again)]
    assert prepared.full == [("T1", fact) for fact in refused]
    assert set(prepared.change.sets[KEYS.docs]) == {"T2"}
