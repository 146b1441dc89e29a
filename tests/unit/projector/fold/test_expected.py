"""What `verify` holds a shard against."""

import pytest

from projector.fold.calendar import Calendar
from projector.fold.expected import Expected
from projector.fold.facts import fact_of_event
from support.events import called, failed, planned
from support.memory_shard import KEYS

MOSCOW = Calendar.of("Europe/Moscow", "24:00")


def test_hashes_of_a_date_before_the_horizon_are_expected_to_be_empty() -> None:
    expected = Expected(KEYS, MOSCOW)
    expected.add({"T1": [fact_of_event(planned("T1")), fact_of_event(called("T1"))]})
    held = expected.hashes("2026-11-24", "2026-11-24")
    assert all(held.values())
    assert expected.hashes("2026-11-24", "2026-11-25") == {key: {} for key in held}
    assert expected.dates() == {"2026-11-24"}


def test_date_that_a_contact_has_left_has_no_rows() -> None:
    expected = Expected(KEYS, MOSCOW)
    expected.add({"T1": [fact_of_event(planned("T1", at="08:00"))]})
    expected.add({"T1": [fact_of_event(planned("T1", date="2026-11-25", at="09:00"))]})
    assert expected.dates() == {"2026-11-25"}
    assert not any(expected.hashes("2026-11-24", "2026-11-24").values())


def test_facts_without_room_are_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projector.fold.task.MAX_TASK_EVENTS", 2)
    facts = [fact_of_event(e) for e in (planned("T1"), called("T1"), failed("T1", "refused"))]
    expected = Expected(KEYS, MOSCOW)
    assert expected.add({"T1": facts}) == facts[2:]


def test_facts_without_room_are_given_back_of_every_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projector.fold.task.MAX_TASK_EVENTS", 1)
    facts = {
        task: [fact_of_event(planned(task)), fact_of_event(called(task))] for task in ("T1", "T2")
    }
    assert Expected(KEYS, MOSCOW).add(facts) == [facts["T1"][1], facts["T2"][1]]


def test_date_that_no_contact_ever_had_is_expected_to_be_empty() -> None:
    held = Expected(KEYS, MOSCOW).hashes("2026-11-24", "2026-11-01")
    date = "2026-11-24"
    assert held == {KEYS.cells(date): {}, KEYS.open(date): {}, KEYS.hours(date): {}}
