"""The course of a contact's day, case by case; the laws are in test_fold_laws.py."""

from datetime import datetime
from typing import Any

import pytest

from projector.fold.calendar import Calendar
from support.courses import without_empty
from support.events import DAY, called, delivered, event, failed, planned, postponed
from support.folded import contacts_of, course_of
from support.memory_shard import KEYS, MemoryShard

MOSCOW = Calendar.of("Europe/Moscow", "24:00")


def hours_of(*events: dict[str, Any], date: str = DAY, **chosen: str) -> dict[Any, dict[str, int]]:
    """Hour → what it counts, where that is not 0."""
    course = course_of(contacts_of(events, MOSCOW), date, **chosen)
    return {
        bucket.pop("hour"): {name: number for name, number in bucket.items() if number}
        for bucket in without_empty(course)
    }


def test_order_given_by_a_correction_is_of_the_hour_of_the_call() -> None:
    found = hours_of(
        planned("T1"),
        called("T1", "no_answer", call_id="k1", at="10:00"),
        called("T1", "ordered", call_id="k1", at="17:00"),
    )
    assert found == {10: {"calls": 1, "ordered": 1, "processed": 1}}


def test_contact_is_ordered_at_the_first_of_its_calls_that_still_hold_an_order() -> None:
    events = [
        planned("T1"),
        called("T1", "ordered", call_id="k1", at="10:00", order="o1"),
        called("T1", "ordered", call_id="k2", at="11:00", order="o2"),
        delivered("T1", "o1", at="18:00"),
    ]
    assert hours_of(*events)[10] == {"calls": 1, "ordered": 1, "processed": 1}
    taken_back = hours_of(*events, called("T1", "answered", call_id="k1", at="19:00"))
    assert taken_back[10] == {"calls": 1}
    assert taken_back[11] == {"calls": 1, "ordered": 1, "processed": 1}


def test_order_that_only_deliveries_tell_of_is_of_the_hour_of_the_first() -> None:
    found = hours_of(
        planned("T1"),
        delivered("T1", "o1", at="13:00"),
        delivered("T1", "o2", at="14:00"),
        delivered("T1", "o1", at="15:00"),
    )
    assert found == {13: {"ordered": 1, "processed": 1}}


def test_resolution_beneath_an_order_that_is_taken_back_keeps_its_hour() -> None:
    found = hours_of(
        planned("T1"),
        called("T1", "ordered", call_id="k1", at="10:00"),
        failed("T1", "no_contact", at="12:00"),
        called("T1", "answered", call_id="k1", at="19:00"),
    )
    assert found == {10: {"calls": 1}, 12: {"processed": 1}}


def test_plan_on_another_date_processes_the_contact_that_it_leaves() -> None:
    found = hours_of(
        planned("T1"), called("T1", at="10:00"), planned("T1", date="2026-11-25", at="16:00")
    )
    assert found == {10: {"calls": 1}, 16: {"processed": 1}}


def test_dropped_contact_is_not_processed_until_its_address_is_closed() -> None:
    events = [planned("T1"), failed("T1", "address_drop", at="12:00")]
    assert hours_of(*events) == {}
    assert hours_of(*events, failed("T1", "address_closed", at="15:00")) == {15: {"processed": 1}}


def test_refused_failure_counts_for_the_holder_of_then_at_its_own_hour() -> None:
    events = [
        planned("T1"),
        failed("T1", "refused", at="12:00"),
        planned("T1", operator="op-2", at="13:00"),
        failed("T1", "no_contact", at="14:00"),
    ]
    assert hours_of(*events, operator_id="op-1") == {12: {"refusals": 1}}
    assert hours_of(*events, operator_id="op-2") == {14: {"processed": 1}}


def test_refusal_that_a_call_tells_of_is_of_the_hour_of_the_call() -> None:
    found = hours_of(
        planned("T1"),
        called("T1", "refused", call_id="k1", at="12:59"),
        failed("T1", "refused", call_id="k1", at="13:01"),
    )
    assert found == {12: {"calls": 1, "refusals": 1}, 13: {"processed": 1}}


def test_what_happened_before_a_contact_moved_is_set_against_its_new_date() -> None:
    events = [
        planned("T1"),
        failed("T1", "refused", at="12:00"),
        postponed("T1", DAY, at="12:30"),
        planned("T1", date="2026-11-25", at="13:00"),
    ]
    assert hours_of(*events) == {}
    assert hours_of(*events, date="2026-11-25") == {"before": {"refusals": 1}}


@pytest.mark.parametrize(
    ("day", "at", "hour"),
    [
        ("2026-11-23", "23:59", "before"),
        (DAY, "00:00", 0),
        (DAY, "23:59", 23),
        ("2026-11-25", "00:00", "after"),
    ],
)
def test_hours_are_those_of_the_contact_date_on_the_wall(day: str, at: str, hour: object) -> None:
    call = event("called", "T1", at, {"call_id": "k1", "outcome": "busy"}, day)
    assert hours_of(planned("T1"), call) == {hour: {"calls": 1}}


def test_end_of_the_day_plays_no_part_in_the_hours() -> None:
    early = Calendar.of("Europe/Moscow", "18:00")
    events = [planned("T1"), called("T1", at="20:00")]
    assert course_of(contacts_of(events, early), DAY) == course_of(contacts_of(events, MOSCOW), DAY)


def test_course_that_comes_to_nothing_is_removed() -> None:
    shard = MemoryShard(MOSCOW)
    shard.apply([planned("T1"), failed("T1", "no_contact", at="12:00")])
    assert shard.hashes[KEYS.hours(DAY)] == {'["op-1","mgr-1",null]': b"55:1"}
    change = shard.apply([planned("T1", at="13:00")])
    assert change.deletes[KEYS.hours(DAY)] == ['["op-1","mgr-1",null]']
    assert KEYS.hours(DAY) not in shard.hashes


def test_earlier_report_of_a_call_moves_its_hour_though_no_counter_changes() -> None:
    shard = MemoryShard(MOSCOW)
    shard.apply(
        [
            planned("T1"),
            called("T1", call_id="k1", at="12:00"),
            called("T1", call_id="k2", at="13:00"),
        ]
    )
    change = shard.apply([called("T1", call_id="k1", at="11:00")])
    assert change.sets[KEYS.hours(DAY)] == {'["op-1","mgr-1",null]': b"48:1,56:1"}
    assert DAY in change.moved
    assert KEYS.cells(DAY) not in change.sets


@pytest.mark.parametrize(
    ("moment", "hour"),
    [
        ("2026-11-23T23:59:59+03:00", "before"),
        ("2026-11-24T00:00:00+03:00", 0),
        ("2026-11-24T23:59:59+03:00", 23),
        ("2026-11-25T00:00:00+03:00", "after"),
    ],
)
def test_failures_are_of_the_date_between_its_midnights(moment: str, hour: int | str) -> None:
    failure = {**failed("T1", "refused"), "time": moment}
    assert hours_of(planned("T1"), failure) == {hour: {"refusals": 1, "processed": 1}}


def test_two_hours_of_one_quarter_are_told_apart_by_an_offset_with_seconds() -> None:
    """Moscow was 2:30:17 ahead of UTC until 1916."""
    calendar = Calendar.of("Europe/Moscow", "24:00")
    last, first = (
        int(datetime.fromisoformat(f"1900-01-01T05:29:{second}+00:00").timestamp())
        for second in (42, 43)
    )
    assert calendar.local_hour(first) == calendar.local_hour(last) + 1
