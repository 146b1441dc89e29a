"""The meta of a shard in Redis, as it is read and as it is written.

The write script itself sets ``epoch``, ``seq`` and ``nonce``; everything else is in a `MetaChange`.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Final, Literal, NamedTuple, Self, TypedDict

from pydantic_core import from_json, to_json

TRACES_KEPT: Final = 16
"""Traced writes that a shard's meta remembers: what is written between two reads of it, and more."""

Status = Literal["building", "live", "retired"]


class Meta(NamedTuple):
    """The meta of a shard: who may write to it, where in its partition it is, how fresh."""

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
    """Why the shard is not written to, for a person to read."""
    recent: str | None = None
    """Of the last 10,000 records, to tell a storm: JSON [records, {}]; or, if some were dead letters,
    [records, {reason: dead letters}, verdicts], where the verdicts are base64 of zlib of a byte for
    each record, oldest first: 0 for an event, else the place of its reason among them, from 1."""
    traces: str | None = None
    """The last writes that are traced, oldest first, as `encode_traces` writes them (ADR 10)."""

    @classmethod
    def decode(cls, fields: Mapping[bytes, bytes]) -> Self | None:
        """Returns the meta, or None if the shard does not exist yet."""
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
        """Returns the traceparent of each traced write after the shard was at `seq`."""
        if not self.traces:
            return []
        return [str(traceparent) for at, traceparent in from_json(self.traces) if at > seq]


class MetaChange(TypedDict, total=False):
    """The fields that one write sets; their meaning is in `Meta`. Empty text stands for None."""

    offset: int
    status: Status
    complete_since: str
    horizon: str
    last_offset: int
    last_timestamp: int
    last_checksum: int
    as_of: int
    end_offset: int
    forwarded: int
    parked: str
    recent: str
    traces: str


def encode_traces(writes: Iterable[tuple[int, str]]) -> str:
    """Returns the (seq, traceparent) of traced writes as a meta holds them."""
    return to_json(list(writes)).decode()
