"""How current a snapshot is: as of when, how many records behind, and whether that is too old."""

from datetime import datetime
from typing import NamedTuple

from query_api.report.snapshot import Snapshot


class Freshness(NamedTuple):
    """How current the figures are.

    `as_of`, in milliseconds since 1970: all that was in Kafka at that moment is in the figures. It
    advances even when they do not change.
    """

    as_of: int | None
    lag_events: int | None
    stale: bool
    why_stale: str | None
    """The reason, for a person to read; None while the figures are fresh."""


def freshness(
    snapshot: Snapshot, clock_ms: int, stale_after_ms: int, *, unreachable: str | None = None
) -> Freshness:
    """Returns the freshness of the least fresh shard.

    `clock_ms` is real time, even if the report's own clock is fixed. `unreachable` says why the
    shards can't be read at present, if they can't.
    """
    as_of: int | None = None
    lag = 0
    why: str | None = unreachable
    known = True
    for number, shard in enumerate(snapshot.shards):
        if shard is None:
            known = False
            why = why or f"shard {number} is missing"
            continue
        meta = shard.meta
        if meta.as_of is None:
            known = False
            why = why or f"shard {number} has not caught up yet"
        else:
            as_of = meta.as_of if as_of is None else min(as_of, meta.as_of)
        if meta.parked:
            why = f"shard {number} is parked: {meta.parked}"
        lag += max(0, meta.end_offset - meta.offset)
    if not known:
        as_of = None
    if as_of is not None and clock_ms - as_of > stale_after_ms:
        why = why or f"the figures are of {(clock_ms - as_of) / 1000:.0f} s ago"
    stale = why is not None or as_of is None
    return Freshness(as_of, None if stale else lag, stale, why)


def complete_since(snapshot: Snapshot) -> str | None:
    """Returns since when the figures are complete (RFC 3339), if Kafka had lost earlier records."""
    times = [s.meta.complete_since for s in snapshot.shards if s and s.meta.complete_since]
    return max(times, key=datetime.fromisoformat, default=None)
