"""The keys of Redis: where everything is; `contracts.values` and `.meta` know how it is written.

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
``hours:DATE``          hash    `Cell` → counts of the course of the day, see `join_hours`
``open:DATE``           hash    `OpenKey` → number of open contacts with that deadline
``rows:[DATE,OP]``      hash    [task id, contact number] → `Row`, or a pointer to it
``names:KIND``          hash    id → `NameEntry`, the latest event naming it
``deliveries``          hash    address id → date of its last delivery
``dead``                hash    reason → number of dead letters
======================  ======  =====================================================

These are outside the shards: `LIVE`, the pointer to the generation that is read; `CHANGES`,
the channel on which writers hint at what changed; `GENERATIONS`, what the projectors know of the
generations alongside the live one; `ACCEPTED`, dead letters an operator has accepted; `REBUILD`,
held while a rebuild runs.
"""

from typing import Final, NamedTuple, Self

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

NAME_KINDS: Final = ("operator", "manager", "client", "address")
"""Whose names a shard holds, each kind under a key of its own."""

NAMES_SEQ: Final = "names"
"""Field of ``seqs`` that changes when the name of an operator or manager changes."""


class Fingerprint(BaseModel):
    """What a generation was computed with. A projector with another fingerprint never writes to it."""

    model_config = ConfigDict(frozen=True)

    fold: int
    """Version of the fold's rules and of the layout of a shard."""
    timezone: str
    day_end: str
    retention_days: int
    topic: str
    partitions: int

    def encode(self) -> str:
        """Returns the fingerprint as a shard's meta and a generation's entry hold it."""
        return to_json(self.model_dump()).decode()


class LivePointer(BaseModel):
    """Which generation readers read."""

    model_config = ConfigDict(frozen=True)

    generation: str
    fingerprint: Fingerprint


class ChangeHint(NamedTuple):
    """A message on `CHANGES`: a shard of a generation is now at `seq`; these dates changed."""

    generation: str
    shard: int
    seq: int
    dates: tuple[str, ...]

    def encode(self) -> bytes:
        return to_json(self)

    @classmethod
    def decode(cls, text: bytes) -> Self:
        generation, shard, seq, dates = from_json(text)
        return cls(generation, int(shard), int(seq), tuple(dates))


class ShardKeys:
    """The names of the keys of one shard of one generation."""

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

    def hours(self, date: str) -> str:
        return f"{self._prefix}hours:{date}"

    def open(self, date: str) -> str:
        return f"{self._prefix}open:{date}"

    def rows(self, date: str, operator: str | None) -> str:
        return f"{self._prefix}rows:{to_json((date, operator)).decode()}"

    def rows_prefix(self) -> str:
        """Returns what the keys of all rows begin with; `date_of_rows` reads what follows."""
        return f"{self._prefix}rows:"

    def rows_prefix_of(self, date: str) -> str:
        """Returns what the keys of a date's rows begin with, up to the operator's id as JSON."""
        return self.rows(date, None).removesuffix("null]")

    def names(self, kind: str) -> str:
        return f"{self._prefix}names:{kind}"

    def pattern(self) -> str:
        """Returns a glob for every key of this shard, for clean-up and for verify."""
        return self._prefix + "*"


def accepted_field(topic: str, partition: int) -> str:
    """Returns the field of `ACCEPTED` for a partition."""
    return to_json((topic, partition)).decode()


def date_of_rows(place: str) -> str:
    """Returns the contact date of a key of rows, given what follows ``rows:`` in it."""
    date, _ = from_json(place)
    return str(date)
