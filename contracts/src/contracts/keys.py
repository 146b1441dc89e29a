"""Where everything stands in Redis, and how it is written there. The one module that knows.

A generation is one whole projection of the topic; its shards are numbered like the topic's
partitions. All keys of shard 3 of generation g1 begin with ``g1:{3}:``, so they share one
Redis Cluster slot and one script can write them atomically. Fields made of several ids are
JSON arrays, never joined by a separator, since an id may hold any character.

======================  ======  =====================================================
key of a shard          type    field → value
======================  ======  =====================================================
``meta``                hash    see `Meta`
``seqs``                hash    contact date, or `NAMES_SEQ` → seq of its last change
``docs``                hash    task id → document (newest contact date + events)
``cells:DATE``          hash    `Cell` → counters, in the order of `COUNTERS`
``open:DATE``           hash    `OpenKey` → number of open contacts with that deadline
``rows:[DATE,OP]``      hash    [task id, contact number] → `Row`, or a pointer to it
``names:KIND``          hash    id → `NameEntry`, the latest event naming it
``deliveries``          hash    address id → date of its last delivery
``dead``                hash    reason → number of dead letters
======================  ======  =====================================================

These stand outside the shards: `LIVE`, the pointer to the generation that is read; `CHANGES`,
the channel on which writers hint at what changed; `GENERATIONS`, what the projectors know of the
generations beside the live one; `ACCEPTED`, dead letters an operator has accepted; `REBUILD`,
held while a rebuild runs.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict
from pydantic_core import from_json, to_json

LIVE: Final = "obzvon:live"
"""Key of the `LivePointer`, as JSON."""

CHANGES: Final = "obzvon:changes"
"""Pub/sub channel of `ChangeHint`s. Hints get lost: readers also poll the seqs."""

GENERATIONS: Final = "obzvon:generations"
"""Hash: generation → JSON with its fingerprint, status, since when, and whom it replaces."""

ACCEPTED: Final = "obzvon:accepted"
"""Hash: JSON [topic, partition] → offset through which a storm of dead letters is accepted."""

REBUILD: Final = "obzvon:rebuild"
"""Held, with an expiry, by the one rebuild command that may run at a time."""

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

STANDINGS: Final = ("planned", "postponed", "dropped")
"""How an open contact stands: dropped while its address is under check, else its kind."""

NAME_KINDS: Final = ("operator", "manager", "client", "address")

TRACES_KEPT: Final = 16
"""Traced writes that a shard's meta remembers: what is written between two reads of it, and more."""

NAMES_SEQ: Final = "names"
"""Field of ``seqs`` that moves when the name of an operator or manager changes."""


class Fingerprint(BaseModel):
    """What a generation was computed with. A projector with another one never writes to it."""

    model_config = ConfigDict(frozen=True)

    fold: int
    """Version of the fold's rules and of the layout of a shard."""
    timezone: str
    day_end: str
    retention_days: int
    topic: str
    partitions: int


class LivePointer(BaseModel):
    """Which generation readers read."""

    model_config = ConfigDict(frozen=True)

    generation: str
    fingerprint: Fingerprint


class ChangeHint(NamedTuple):
    """One message on `CHANGES`: shard N of a generation now stands at seq; these dates moved."""

    generation: str
    shard: int
    seq: int
    dates: tuple[str, ...]

    @classmethod
    def decode(cls, text: bytes) -> Self:
        generation, shard, seq, dates = from_json(text)
        return cls(generation, int(shard), int(seq), tuple(dates))


class ShardKeys:
    """The key names of one shard of one generation."""

    __slots__ = (
        "_prefix",
        "dead",
        "deliveries",
        "docs",
        "generation",
        "meta",
        "none",
        "seqs",
        "shard",
    )

    def __init__(self, generation: str, shard: int) -> None:
        self._prefix = f"{generation}:{{{shard}}}:"
        self.generation = generation
        self.shard = shard
        self.meta = self._prefix + "meta"
        self.seqs = self._prefix + "seqs"
        self.docs = self._prefix + "docs"
        self.deliveries = self._prefix + "deliveries"
        self.dead = self._prefix + "dead"
        self.none = self._prefix + "none"
        """Never exists. A script that declares it does not run while the slot moves between two
        nodes of a cluster, and so never takes what has not arrived yet for absent."""

    def cells(self, date: str) -> str:
        return f"{self._prefix}cells:{date}"

    def open(self, date: str) -> str:
        return f"{self._prefix}open:{date}"

    def rows(self, date: str, operator: str | None) -> str:
        return f"{self._prefix}rows:{to_json((date, operator)).decode()}"

    def names(self, kind: str) -> str:
        return f"{self._prefix}names:{kind}"

    def pattern(self) -> str:
        """A glob for every key of this shard, for clean-up and for verify."""
        return self._prefix + "*"


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


class OpenKey(NamedTuple):
    """What an open contact is counted under: its cell, its deadline, how it stands.

    The deadline is in whole minutes since 1970-01-01T00:00Z: from that minute on the contact
    is overdue, before it active. So no clock is stored and nothing has to tick.
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

    def encode(self) -> bytes:
        return to_json(self[2:])

    @classmethod
    def decode(cls, field: bytes | str, value: bytes | str) -> Self:
        return cls(*from_json(field), *from_json(value))

    @property
    def is_open(self) -> bool:
        return self.status in ("open", "dropped")

    @property
    def standing(self) -> str:
        return "dropped" if self.status == "dropped" else self.kind


def row_field(task_id: str, contact_no: int) -> str:
    """The field of a row, and of the pointers to it."""
    return to_json((task_id, contact_no)).decode()


def row_pointer(holder: str | None) -> bytes:
    """Stands under an operator who called, or was refused, on a contact that another one holds."""
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

    def encode(self) -> bytes:
        return to_json(self)

    @classmethod
    def decode(cls, value: bytes | str) -> Self:
        return cls(*from_json(value))


Status = Literal["building", "live", "retired"]


class Meta(NamedTuple):
    """The meta of a shard: who may write to it, where in its partition it stands, how fresh."""

    epoch: str
    """The token of the owner that wrote last: ``NUMBER-RANDOM``. The number only grows."""
    seq: int
    """How many writes the shard has had."""
    nonce: str
    offset: int
    """Offset of the next record to apply; -1 before the shard has found its start."""
    status: Status
    fingerprint: str
    complete_since: str | None
    """RFC 3339; set when Kafka no longer had its beginning when the shard was first filled."""
    horizon: str | None
    """Contact dates before this one are forgotten."""
    last_offset: int
    last_timestamp: int
    last_checksum: int
    as_of: int | None
    """Milliseconds since 1970: everything in the partition at that moment is in the figures."""
    end_offset: int
    """The partition's end when it was last looked at."""
    forwarded: int
    parked: str | None
    """Why the shard stands still, for a person to read."""
    recent: str | None = None
    """Of the last 10,000 records, to tell a storm: JSON [records, {}]; or, if some were dead letters,
    [records, {reason: dead letters}, verdicts], where the verdicts are base64 of zlib of a byte for
    each record, oldest first: 0 for an event, else the place of its reason among them, from 1."""
    traces: str | None = None
    """JSON [[seq, traceparent], …] of the last writes that are traced, oldest first (ADR 10)."""

    @classmethod
    def decode(cls, fields: Mapping[bytes, bytes]) -> Self | None:
        """None for a shard that does not exist yet."""
        if not fields:
            return None

        def text(name: str) -> str | None:
            value = fields.get(name.encode(), b"")
            return value.decode() or None

        def number(name: str, default: int) -> int:
            return int(fields.get(name.encode()) or default)

        as_of = text("as_of")
        status: Any = text("status") or "building"
        return cls(
            epoch=text("epoch") or "0-",
            seq=number("seq", 0),
            nonce=text("nonce") or "",
            offset=number("offset", -1),
            status=status,
            fingerprint=text("fingerprint") or "",
            complete_since=text("complete_since"),
            horizon=text("horizon"),
            last_offset=number("last_offset", -1),
            last_timestamp=number("last_timestamp", -1),
            last_checksum=number("last_checksum", 0),
            as_of=int(as_of) if as_of else None,
            end_offset=number("end_offset", -1),
            forwarded=number("forwarded", 0),
            parked=text("parked"),
            recent=text("recent"),
            traces=text("traces"),
        )

    def traced_since(self, seq: int) -> list[str]:
        """The traceparent of each traced write after the one that made the shard stand at `seq`."""
        if not self.traces:
            return []
        return [str(traceparent) for at, traceparent in from_json(self.traces) if at > seq]
