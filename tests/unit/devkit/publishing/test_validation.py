"""What `publish` reports about a line before sending anything of it."""

import json
from datetime import UTC, datetime

import pytest

from devkit.publishing.reading import Line
from devkit.publishing.validation import PreparedEvent, check, take_unchecked
from support import events

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)


def planned(**changed: object) -> events.Event:
    return {**events.planned("task-1", at="09:00"), **changed}


def line(event: object) -> Line:
    return Line("events.jsonl", 7, json.dumps(event, ensure_ascii=False).encode())


def test_good_line_is_sent_unchanged_and_keyed_by_its_subject() -> None:
    given = line(planned())
    assert check(given, "now", NOW) == PreparedEvent(given.text, "task-1", None)


def test_an_unknown_field_is_sent_along() -> None:
    given = line(planned(extension="x"))
    prepared = check(given, "now", NOW)
    assert isinstance(prepared, PreparedEvent)
    assert b"extension" in prepared.value


def test_record_can_have_the_time_of_its_event() -> None:
    prepared = check(line(planned()), "event", NOW)
    assert isinstance(prepared, PreparedEvent)
    assert prepared.timestamp_ms == datetime(2026, 11, 24, 6, tzinfo=UTC).timestamp() * 1000


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ("no object", "event: "),
        (planned(subject=""), "subject: "),
        (planned(type="task-eaten.v1"), "task-eaten.v1"),
        (planned(time="2026-11-24T09:00:00"), "time: "),
        (planned(data={}), "data.client: Field required"),
        (planned(data={**planned()["data"], "contact_date": "24.11.2026"}), "data.contact_date: "),
        (planned(time="2026-11-26T09:00:00Z"), "more than a day ahead"),
        (planned(source="x" * 70_000), "an event has 65536 at most"),
    ],
)
def test_a_bad_line_is_named_by_field_and_reason(event: object, said: str) -> None:
    problem = check(line(event), "now", NOW)
    assert isinstance(problem, str)
    assert said in problem
    assert "\n" not in problem


def test_line_that_is_not_json_is_bad() -> None:
    problem = check(Line("f", 1, b"{oops"), "now", NOW)
    assert isinstance(problem, str)
    assert "JSON" in problem


def test_future_event_is_good_if_its_record_has_the_same_time() -> None:
    assert isinstance(
        check(line(planned(time="2030-01-01T00:00:00Z")), "event", NOW), PreparedEvent
    )


@pytest.mark.parametrize(
    ("text", "key"),
    [
        (b"{oops", None),
        (b"[]", None),
        (b'{"subject": 3}', None),
        (b'{"subject": "t-9", "data": 0}', "t-9"),
    ],
)
def test_unchecked_lines_are_sent_whatever_they_contain(text: bytes, key: str | None) -> None:
    assert take_unchecked(Line("f", 1, text), "event") == PreparedEvent(text, key, None)
