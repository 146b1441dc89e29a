"""What the fold knows of an event: a frozen value that sorts in fold order.

The first five items of every fact are its place in fold order: (seconds, fraction, rank,
source, id). Facts of one task never share source and id, so comparing two of them never looks
further. Strings compare by code point, which is the order of their UTF-8 bytes.

Facts are stored in the task's document as JSON arrays (`Fact.packed`). There, false means an
optional field that was absent and null for one that was given as null: the two read the same,
but they count as two contents of one identity.
"""

from typing import Any, Final, NamedTuple, assert_never

from pydantic_core import from_json, to_json

from contracts.events import EVENT_TYPES
from projector.fold.calendar import seconds_of

type_codes: Final = {name: code for code, name in enumerate(EVENT_TYPES)}

ABSENT: Final = False

Pair = tuple[str, str]
"""(id, name) of an operator, manager, client or order; (id, text) of an address."""


class Planned(NamedTuple):
    seconds: int
    fraction: str
    rank: int
    source: str
    id: str
    packed: bytes
    contact_date: str
    client: Pair
    address: Pair
    operator: Pair | None
    manager: Pair | None
    plan_date: str | None
    due: int | None
    """Minute since 1970."""
    last_delivery_date: str | None
    origin: str | None


class Called(NamedTuple):
    seconds: int
    fraction: str
    rank: int
    source: str
    id: str
    packed: bytes
    time: str
    call_id: str
    outcome: str
    order: Pair | None
    operator: Pair | None


class Postponed(NamedTuple):
    seconds: int
    fraction: str
    rank: int
    source: str
    id: str
    packed: bytes
    contact_date: str
    comment: str
    plan_date: str | None
    due: int | None
    operator: Pair | None


class Failed(NamedTuple):
    seconds: int
    fraction: str
    rank: int
    source: str
    id: str
    packed: bytes
    reason: str
    comment: str | None
    call_id: str | None


class Delivered(NamedTuple):
    seconds: int
    fraction: str
    rank: int
    source: str
    id: str
    packed: bytes
    order_id: str
    delivered_at: str


Fact = Planned | Called | Postponed | Failed | Delivered

_PAIRS: Final = {"client": "name", "address": "text", "operator": "name", "manager": "name"}
_FIELDS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "contact_date",
        "client",
        "address",
        "operator",
        "manager",
        "plan_date",
        "due_at",
        "last_delivery_date",
        "origin",
    ),
    ("call_id", "outcome", "order", "operator", "duration_s"),
    ("contact_date", "comment", "plan_date", "due_at", "operator"),
    ("reason", "comment", "call_id"),
    ("order_id", "delivered_at"),
)
"""The data fields of each type, by type code, in the order in which they are packed."""

_SECOND_KEY: Final = {**_PAIRS, "order": "number"}


def fact_of_event(event: dict[str, Any]) -> Fact:
    """The fact of a CloudEvent that has passed validation.

    Raises ValueError for what validation can't see: a day that no month has.
    """
    code = type_codes[event["type"]]
    data = event["data"]
    packed: list[Any] = [code, event["source"], event["id"], event["time"]]
    for name in _FIELDS[code]:
        value = data.get(name, ABSENT)
        if value and name in _SECOND_KEY:
            value = [value["id"], value[_SECOND_KEY[name]]]
        packed.append(value)
    while packed[-1] is ABSENT:
        packed.pop()
    return fact_of_packed(packed)


def fact_of_packed(packed: list[Any]) -> Fact:
    """The fact of a JSON array as it is stored in a task's document."""
    code, source, event_id, time, *given = packed
    seconds, fraction = seconds_of(time)
    raw = to_json(packed)
    given += [None] * (9 - len(given))
    match code:
        case 0:
            day, client, address, operator, manager, plan_date, due, last, origin = given[:9]
            return Planned(
                seconds,
                fraction,
                0,
                source,
                event_id,
                raw,
                day,
                (client[0], client[1]),
                (address[0], address[1]),
                (operator[0], operator[1]) if operator else None,
                (manager[0], manager[1]) if manager else None,
                plan_date or None,
                _minute(due),
                last or None,
                origin or None,
            )
        case 1:
            call_id, outcome, order, operator = given[:4]
            return Called(
                seconds,
                fraction,
                1,
                source,
                event_id,
                raw,
                time,
                call_id,
                outcome,
                (order[0], order[1]) if order else None,
                (operator[0], operator[1]) if operator else None,
            )
        case 2:
            day, comment, plan_date, due, operator = given[:5]
            return Postponed(
                seconds,
                fraction,
                2,
                source,
                event_id,
                raw,
                day,
                comment,
                plan_date or None,
                _minute(due),
                (operator[0], operator[1]) if operator else None,
            )
        case 3:
            reason, comment, call_id = given[:3]
            return Failed(
                seconds,
                fraction,
                2,
                source,
                event_id,
                raw,
                reason,
                None if comment is ABSENT else comment,
                call_id or None,
            )
        case 4:
            return Delivered(seconds, fraction, 2, source, event_id, raw, given[0], given[1])
        case _:
            raise ValueError(f"a document holds an event of unknown type code {code!r}")


def content(fact: Fact) -> bytes:
    """The event's content as canonical JSON: sorted keys, no spaces, unescaped UTF-8.

    Of two contents under one identity the bytewise lesser one counts (docs/report.md, "From events to
    contacts"). Only what Obzvon reads of an event is its content: unknown fields are ignored.
    """
    code, source, event_id, time, *given = from_json(fact.packed)
    data = {}
    for name, value in zip(_FIELDS[code], given, strict=False):
        if value is ABSENT:
            continue
        if value and name in _SECOND_KEY:
            value = {"id": value[0], _SECOND_KEY[name]: value[1]}
        data[name] = value
    event = {
        "data": {name: data[name] for name in sorted(data)},
        "id": event_id,
        "source": source,
        "specversion": "1.0",
        "time": time,
        "type": EVENT_TYPES[code],
    }
    return to_json(event)


def names_of(fact: Fact) -> list[tuple[str, Pair]]:
    """(kind, (id, name)) of everyone and everything the event names."""
    match fact:
        case Planned():
            named = [("client", fact.client), ("address", fact.address)]
            if fact.operator:
                named.append(("operator", fact.operator))
            if fact.manager:
                named.append(("manager", fact.manager))
            return named
        case Called() | Postponed():
            return [("operator", fact.operator)] if fact.operator else []
        case Failed() | Delivered():
            return []
        case _:
            assert_never(fact)


def _minute(due_at: str | int | None) -> int | None:
    return seconds_of(due_at)[0] // 60 if isinstance(due_at, str) else None
