"""Where a shard is in its partition."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Position:
    """The offset a shard is at, and the last record before it, by which the log is recognised."""

    offset: int
    """The next record to apply; -1 for a shard that has no position yet."""
    last_offset: int = -1
    last_timestamp: int = -1
    last_checksum: int = 0
