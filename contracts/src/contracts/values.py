"""The values of Redis: every codec of the layout, once. `contracts.keys` knows where they are.

What is made of several parts is a JSON array, so that an id may hold any character; a cell's
counters and its counts of the course of a day are decimal numbers joined by commas. The meta of a
shard has a module of its own.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, NamedTuple, Self

from pydantic_core import from_json, to_json

COUNTERS: Final = (
    "planned",
    "calls",
    "refusals",
    "ordered",
    "orders",
    "delivered",
    "postponed",
    "no_contact",
    "refused",
    "dropped",
    "drop_closed",
)
"""The counters of a cell, in their order within its value."""

HOUR_MEASURES: Final = ("calls", "refusals", "ordered", "processed")
"""What the course of a day counts, in the order of a slot's last digit (see `join_hours`)."""

HOUR_BUCKETS: Final = 26
"""Buckets of the course of a day: 0 is before the contact date, 1 to 24 are its local hours 0 to 23,
25 is after it."""

STANDINGS: Final = ("planned", "postponed", "dropped")
"""How an open contact stands: dropped while its address is under check, otherwise its kind."""


class Cell(NamedTuple):
    """What a counter is counted under, within one contact date."""

    operator: str | None
    manager: str | None
    plan_date: str | None

    def encode(self) -> str:
        return to_json(self).decode()

    @classmethod
    def decode(cls, field: bytes | str) -> Self:
        return cls(*from_json(field))


def join_counters(counts: Iterable[int]) -> str:
    """Returns a cell's value: its numbers, in the order of `COUNTERS`."""
    return ",".join(map(str, counts))


def split_counters(value: bytes) -> tuple[int, ...]:
    """Returns the numbers of a cell's value, in the order of `COUNTERS`."""
    return tuple(map(int, value.split(b",")))


def join_hours(counts: Mapping[int, int]) -> bytes:
    """Returns a cell's course of the day: ``SLOT:COUNT``, comma, …, by ascending slot.

    A slot is ``bucket * len(HOUR_MEASURES) + place of the measure``. Slots that count 0 are left
    out; a cell whose slots all do is to be removed, not written.
    """
    slots = sorted(counts)
    if slots != list(counts) or 0 in counts.values():
        counts = {slot: counts[slot] for slot in slots if counts[slot]}
    return to_json(counts)[1:-1].replace(b'"', b"")  # faster than joining texts


def split_hours(value: bytes) -> dict[int, int]:
    """Returns slot → count of a cell's course of the day; a slot that is absent counts 0."""
    numbers = from_json(b"[" + value.replace(b":", b",") + b"]")
    return dict(zip(numbers[::2], numbers[1::2], strict=True))


class OpenKey(NamedTuple):
    """What an open contact is counted under: its cell, its deadline, how it stands.

    The deadline is in whole minutes since 1970-01-01T00:00Z: from that minute on the contact
    is overdue, before it active. So no clock is stored and nothing has to tick. The value is the
    number of such contacts, in decimal.
    """

    operator: str | None
    manager: str | None
    plan_date: str | None
    deadline: int
    standing: str

    def encode(self) -> str:
        return to_json(self).decode()

    @classmethod
    def decode(cls, field: bytes | str) -> Self:
        return cls(*from_json(field))


class Row(NamedTuple):
    """A contact as it is stored for the drill-down. Names are looked up when it is read."""

    task_id: str
    contact_no: int
    contact_date: str
    plan_date: str | None
    due: int | None
    """Minute of ``due_at`` since 1970; null where only the day ends the contact."""
    deadline: int
    """Minute since 1970 from which on the contact, if still open, is overdue."""
    operator: str | None
    manager: str | None
    client: str
    address: str
    origin: str | None
    kind: str
    """planned | postponed"""
    status: str
    """open | dropped | ordered | postponed | no_contact | refused | drop_closed"""
    is_delivered: bool
    was_dropped: bool
    orders: tuple[tuple[str, str | None], ...]
    """(id, number) of each distinct order; the number is null if only a delivery named it."""
    calls: tuple[tuple[str | None, int], ...]
    """(operator, number of calls) for each caller."""
    refusals: tuple[tuple[str | None, int], ...]
    postponements: int
    postpone_comment: str | None
    comment: str | None
    last_call_at: str | None
    """RFC 3339, as it was published."""

    @classmethod
    def decode(cls, field: bytes | str, value: bytes | str) -> Self:
        """Returns the row that `row_field` and `encode_row` have written."""
        return cls(*from_json(field), *from_json(value))

    @property
    def is_open(self) -> bool:
        return self.status in ("open", "dropped")

    @property
    def standing(self) -> str:
        return "dropped" if self.status == "dropped" else self.kind


_ROW_END: Final = len(Row._fields) - 1
"""How many fields of `Row` come after the task's id; a contact may have more."""


def row_field(task_id: str, contact_no: int) -> str:
    """Returns the field of a row, and of the pointers to it."""
    return to_json((task_id, contact_no)).decode()


def encode_row(contact: tuple[Any, ...]) -> bytes:
    """Returns a row's value; `contact` begins with the fields of `Row` from `contact_no` on."""
    return to_json(contact[1:_ROW_END])


def row_pointer(holder: str | None) -> bytes:
    """Returns the value of a pointer to a row, which another operator holds.

    It is listed under an operator who called, or was refused, on that contact. A row's value never
    begins with a brace.
    """
    return to_json({"holder": holder})


class NameEntry(NamedTuple):
    """The name of an id and the place, in fold order, of the latest event that gave it.

    Compare entries of several shards as tuples; the greatest one holds the name to show.
    """

    seconds: int
    fraction: str
    rank: int
    source: str
    event_id: str
    text: str

    @classmethod
    def decode(cls, value: bytes | str) -> Self:
        return cls(*from_json(value))


def encode_name(entry: tuple[int, str, int, str, str, str]) -> bytes:
    """Returns the value of a `NameEntry`, or of its bare tuple."""
    return to_json(entry)
