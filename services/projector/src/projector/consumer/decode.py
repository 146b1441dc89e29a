"""What one Kafka record is: a fact of a task, a dead letter, or a record in the wrong partition.

Pure: the verdict depends on the record and the topic's partition count alone, so that a replay
decides the same. That is also why an event's time is held against the record's timestamp and
not against the clock.
"""

from functools import lru_cache
from typing import Final, NamedTuple

from aiokafka import ConsumerRecord
from aiokafka.partitioner import murmur2
from pydantic import ValidationError
from pydantic_core import from_json, to_json

from contracts.events import (
    EVENT_ADAPTER,
    EVENT_TYPES,
    MAX_AHEAD_S,
    MAX_VALUE_BYTES,
    STRUCTURED_CONTENT_TYPE,
)
from projector.fold.facts import Fact, fact_of_event

MAX_RECORD_BYTES: Final = 900_000
"""Largest record that is an event, its headers included. A larger one could not be forwarded, nor
sent to the dead letters whole: topics take 1,048,588 bytes by default. (What comes compressed may be any size.)"""

NO_TIMESTAMP: Final = -1
"""Kafka's timestamp of a record that has none; such a record cannot be ahead of itself."""

_ATTRIBUTES: Final = ("specversion", "id", "source", "type", "subject", "time", "datacontenttype")


class Found(NamedTuple):
    """An event of a task."""

    task_id: str
    fact: Fact


class DeadLetter(NamedTuple):
    """A record that is not an event Obzvon can count."""

    reason: str
    """empty | too_large | not_json | unknown_type | invalid | key_mismatch | future"""
    detail: str
    """What was wrong, for a person: the field, and what was expected of it."""


class Misrouted(NamedTuple):
    """A record that belongs to another partition."""

    partition: int


Verdict = Found | DeadLetter | Misrouted


def decode(record: ConsumerRecord, partitions: int) -> Verdict:
    """Returns what the record is. Never raises for anything a record may hold."""
    value = record.value
    if value is None:
        return DeadLetter("empty", "the record has no value")
    if len(value) > MAX_VALUE_BYTES:
        return DeadLetter(
            "too_large", f"the value has {len(value)} bytes, {MAX_VALUE_BYTES} are allowed"
        )
    if record.headers and (size := size_of(record)) > MAX_RECORD_BYTES:
        said = f"the record has {size} bytes with its headers, {MAX_RECORD_BYTES} are allowed"
        return DeadLetter("too_large", said)
    try:
        value = _structured(record, value)
        event = EVENT_ADAPTER.validate_json(value)
    except UnicodeDecodeError as error:
        return DeadLetter("invalid", f"a ce_ header is no UTF-8: {error}")
    except ValidationError as error:
        return _dead(error)
    except ValueError as error:
        return DeadLetter("not_json", str(error))
    subject = event.subject
    if record.key != subject.encode():
        return DeadLetter("key_mismatch", f"the key must be the subject {subject!r}")
    try:
        fact = fact_of_event(from_json(value))
    except (ValueError, OverflowError) as error:
        return DeadLetter("invalid", f"time: {error}")
    if (
        record.timestamp != NO_TIMESTAMP
        and fact.seconds * 1000 > record.timestamp + MAX_AHEAD_S * 1000
    ):
        return DeadLetter(
            "future", f"time: {event.time.isoformat()} is over a day after the record's"
        )
    home = partition_of(record.key, partitions)
    if home != record.partition:
        return Misrouted(home)
    return Found(subject, fact)


def size_of(record: ConsumerRecord) -> int:
    """Bytes that the record takes at most if it is sent again."""
    size = len(record.key or b"") + len(record.value or b"")
    for name, value in record.headers:
        size += len(name.encode()) + len(value or b"") + 10  # two lengths, of 5 bytes at most
    return size


def _structured(record: ConsumerRecord, value: bytes) -> bytes:
    """The event as structured JSON, whichever content mode the record is in.

    An attribute that is not UTF-8 raises UnicodeDecodeError: with replacement characters two ids
    would be one.
    """
    if not record.headers:
        return value
    headers = dict(record.headers)
    content_type = _text(headers.get("content-type"))
    if content_type.lower().startswith(STRUCTURED_CONTENT_TYPE):
        return value
    if "ce_specversion" not in headers and "ce_id" not in headers:
        return value
    from_json(value)  # must be a JSON value of its own before it is set into another one
    parts = [
        b'"%b":%b' % (name.encode(), to_json((headers["ce_" + name] or b"").decode()))
        for name in _ATTRIBUTES
        if "ce_" + name in headers
    ]
    if content_type:
        parts.append(b'"datacontenttype":%b' % to_json(content_type))
    return b"{" + b",".join(parts) + b',"data":' + value + b"}"


def _text(header: bytes | None) -> str:
    """A header's text, with replacement characters for bytes that are not UTF-8."""
    return header.decode(errors="replace") if header else ""


def _dead(error: ValidationError) -> DeadLetter:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in first["loc"] if part not in EVENT_TYPES)
    detail = f"{where}: {first['msg']}" if where else first["msg"]
    match first["type"]:
        case "json_invalid":
            return DeadLetter("not_json", detail)
        case "union_tag_invalid" | "union_tag_not_found":
            return DeadLetter("unknown_type", f"type: {first['msg']}")
        case _:
            return DeadLetter("invalid", detail)


@lru_cache(maxsize=1 << 16)
def partition_of(key: bytes, partitions: int) -> int:
    """The partition of a key as Kafka's Java clients and aiokafka choose it (murmur2)."""
    return int(murmur2(key) & 0x7FFFFFFF) % partitions
