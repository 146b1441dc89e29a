"""What a Kafka record is decoded to."""

import json
from typing import Any

import pytest
from aiokafka import ConsumerRecord
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from contracts.events import MAX_VALUE_BYTES
from projector.consumer.decode import DeadLetter, Found, Misrouted, decode, partition_of
from support.events import Event, cloud_event

PARTITIONS = 4
DAY_MS = 24 * 60 * 60 * 1000
TIME = "2026-11-24T10:00:00+03:00"
TIME_MS = 1_795_503_600_000


def event(**changed: Any) -> Event:
    attributes = {"id": "e1", "source": "/telephony", **changed}
    return cloud_event("failed", "T1", TIME, {"reason": "no_contact"}, **attributes)


def record(
    value: bytes | dict[str, Any] | None,
    *,
    key: bytes | None = b"T1",
    headers: tuple[tuple[str, bytes], ...] = (),
    timestamp: int = TIME_MS,
    partition: int | None = None,
) -> ConsumerRecord[Any, Any]:
    raw = json.dumps(value, ensure_ascii=False).encode() if isinstance(value, dict) else value
    home = partition_of(key or b"", PARTITIONS) if partition is None else partition
    return ConsumerRecord("t", home, 0, timestamp, 0, key, raw, None, 0, 0, headers)


def reason(verdict: Any) -> str:
    assert isinstance(verdict, DeadLetter)
    return verdict.reason


def test_structured_event_is_decoded() -> None:
    verdict = decode(record(event()), PARTITIONS)
    assert isinstance(verdict, Found)
    assert verdict.task_id == "T1"
    assert verdict.fact.source == "/telephony"


def test_a_binary_event_is_the_same_event() -> None:
    headers = tuple(
        (f"ce_{name}", event()[name].encode())
        for name in ("specversion", "id", "source", "type", "subject", "time")
    )
    binary = record(event()["data"], headers=(*headers, ("content-type", b"application/json")))
    assert decode(binary, PARTITIONS) == decode(record(event()), PARTITIONS)


def test_ids_that_are_not_utf_8_are_invalid() -> None:
    headers = tuple(
        (f"ce_{name}", event()[name].encode())
        for name in ("specversion", "source", "type", "subject", "time")
    )
    for windows_1251 in ("з1", "я1"):
        told = (*headers, ("ce_id", windows_1251.encode("cp1251")))
        assert reason(decode(record(event()["data"], headers=told), PARTITIONS)) == "invalid"


def test_data_in_binary_mode_cannot_smuggle_attributes() -> None:
    headers = tuple((f"ce_{name}", event()[name].encode()) for name in ("specversion", "id"))
    smuggled = b'{"reason":"no_contact"},"subject":"T1"'
    assert reason(decode(record(smuggled, headers=headers), PARTITIONS)) == "not_json"


def test_unknown_fields_and_attributes_are_ignored() -> None:
    more = event(traceparent="00-1", data={"reason": "no_contact", "mood": "bad"})
    assert decode(record(more), PARTITIONS) == decode(record(event()), PARTITIONS)


@pytest.mark.parametrize(
    ("bad", "expected"),
    [
        (record(None), "empty"),
        (record(b""), "not_json"),
        (record(b"\xff\xfe"), "not_json"),
        (record(b"[" * 1_000), "not_json"),
        (record(b"[]"), "invalid"),
        (record(b"x" * (MAX_VALUE_BYTES + 1)), "too_large"),
        (record(event(type="task-failed.v2")), "unknown_type"),
        (record({k: v for k, v in event().items() if k != "type"}), "unknown_type"),
        (record(event(data={"reason": "tired"})), "invalid"),
        (record(event(data={"reason": "refused", "call_id": 7})), "invalid"),
        (record(event(id="")), "invalid"),
        (record(event(id="x" * 129)), "invalid"),
        (record(event(time="2026-11-24T10:00:00")), "invalid"),
        (record(event(time="1700000000")), "invalid"),
        (record(event(time="2026-02-30T10:00:00Z")), "invalid"),
        (record(event(specversion="0.3")), "invalid"),
        (record(event(), key=b"T2"), "key_mismatch"),
        (record(event(), key=None), "key_mismatch"),
        (record(event(), timestamp=TIME_MS - DAY_MS - 1_000), "future"),
    ],
)
def test_record_that_is_not_an_event_is_a_dead_letter(bad: Any, expected: str) -> None:
    assert reason(decode(bad, PARTITIONS)) == expected


def test_an_event_a_day_ahead_of_its_record_still_counts() -> None:
    assert isinstance(decode(record(event(), timestamp=TIME_MS - DAY_MS), PARTITIONS), Found)


def test_the_detail_names_the_field() -> None:
    verdict = decode(record(event(data={"reason": "tired"})), PARTITIONS)
    assert isinstance(verdict, DeadLetter)
    assert verdict.detail.startswith("data.reason: ")


@pytest.mark.parametrize(
    ("outcome", "order"), [("ordered", None), ("answered", {"id": "o1", "number": "1"})]
)
def test_a_call_has_an_order_exactly_when_it_was_ordered(outcome: str, order: Any) -> None:
    data = {"call_id": "k1", "outcome": outcome, "order": order}
    assert reason(decode(record(event(type="task-called.v1", data=data)), PARTITIONS)) == "invalid"


def test_record_in_a_wrong_partition_is_misrouted() -> None:
    home = partition_of(b"T1", PARTITIONS)
    wrong = (home + 1) % PARTITIONS
    assert decode(record(event(), partition=wrong), PARTITIONS) == Misrouted(home)


@given(st.binary(min_size=1, max_size=40), st.integers(1, 64))
def test_the_home_partition_is_the_one_aiokafka_chooses(key: bytes, partitions: int) -> None:
    everyone = list(range(partitions))
    assert partition_of(key, partitions) == DefaultPartitioner()(key, everyone, everyone)


_headers = st.lists(
    st.tuples(
        st.sampled_from(["content-type", "ce_id", "ce_type", "ce_specversion", "x"]),
        st.binary(max_size=30) | st.just(b"application/cloudevents+json"),
    ),
    max_size=4,
).map(tuple)
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3)
    ),
    max_leaves=8,
)
_mangled = st.builds(
    lambda name, value: {**event(), name: value},
    st.sampled_from([*event(), "data"]),
    _json,
).map(lambda one: json.dumps(one).encode())


@given(
    value=st.binary(max_size=200) | _json.map(lambda one: json.dumps(one).encode()) | _mangled,
    key=st.none() | st.binary(max_size=8) | st.just(b"T1"),
    headers=_headers,
    timestamp=st.integers(-1, 2**62),
)
def test_decoding_never_raises(
    value: bytes, key: bytes | None, headers: Any, timestamp: int
) -> None:
    verdict = decode(
        record(value, key=key, headers=headers, timestamp=timestamp, partition=0), PARTITIONS
    )
    assert isinstance(verdict, Found | DeadLetter | Misrouted)
