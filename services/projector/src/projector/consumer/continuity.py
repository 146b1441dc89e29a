"""Whether a partition is still the log that its shard was folded from.

Pure: what the partition holds, where the shard is, and the record that was read at its last
offset go in; the reason to park comes out.
"""

from typing import NamedTuple

from projector.store.position import Position


class Extent(NamedTuple):
    """What a partition holds: offsets begin <= x < end."""

    begin: int
    end: int


class RecordMark(NamedTuple):
    """What one record is recognised by."""

    offset: int
    timestamp: int
    checksum: int
    """CRC-32 over key and value."""


def reaches(extent: Extent, offset: int) -> bool:
    """Whether a shard at `offset` can go on in this log."""
    return extent.begin <= offset <= extent.end


def has_last_record(extent: Extent, at: Position) -> bool:
    """Whether the last record that was applied can still be there.

    If not, nothing has been applied yet, or retention has removed the record since.
    """
    return reaches(extent, at.offset) and at.last_offset >= extent.begin


def why_another_log(
    topic: str, partition: int, extent: Extent, at: Position, last: RecordMark | None
) -> str | None:
    """Why the partition is not the one that the shard was folded from; None if it is.

    `last` is the first record at or after the last offset that was applied. It only counts if the
    log `has_last_record`.
    """
    where = f"partition {partition} of {topic}"
    if extent.end < at.offset:
        return (
            f"{where} ends at {extent.end}, before the shard's offset {at.offset}: "
            "it is another topic, or has lost records. See docs/runbook.md, 'Parked shards'"
        )
    if extent.begin > at.offset:
        return (
            f"{where} begins at {extent.begin}, after the shard's offset {at.offset}: "
            f"{extent.begin - at.offset} records were deleted before they were applied. "
            "See docs/runbook.md, 'Parked shards'"
        )
    if not has_last_record(extent, at):
        return None
    if last == RecordMark(at.last_offset, at.last_timestamp, at.last_checksum):
        return None
    return (
        f"the record at offset {at.last_offset} of {where} is not the one that was "
        "applied: it is another topic. See docs/runbook.md, 'Parked shards'"
    )
