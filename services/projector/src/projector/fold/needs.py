"""What a fold has to read of its shard, and what was read. No I/O: the store does that."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field

Fields = dict[bytes, bytes]
"""A hash as it is stored."""


@dataclass(frozen=True, slots=True)
class Needs:
    """What must be read before the fold can go on."""

    tasks: Sequence[str] = ()
    """Ids of tasks whose document is needed."""
    names: Mapping[str, Collection[str]] = field(default_factory=dict)
    """Kind → ids whose name entry is needed."""
    dates: Sequence[str] = ()
    """Contact dates whose cells, hours and open counts are needed."""
    deliveries: Sequence[str] = ()
    """Addresses whose last delivery is needed."""
    documents_with: Sequence[bytes] = ()
    """Every document is needed that contains one of these; asked for alone."""

    def __bool__(self) -> bool:
        return bool(
            self.tasks or self.names or self.dates or self.deliveries or self.documents_with
        )


@dataclass(slots=True)
class Answers:
    """What the shard holds of that; None for a field that it does not have."""

    tasks: dict[str, bytes | None] = field(default_factory=dict)
    names: dict[str, dict[str, bytes | None]] = field(default_factory=dict)
    dates: dict[str, tuple[Fields, Fields, Fields]] = field(default_factory=dict)
    """Contact date → (cells, hours, open counts)."""
    deliveries: dict[str, bytes | None] = field(default_factory=dict)
    documents: dict[str, bytes] = field(default_factory=dict)
    """Task id → document, of those that `documents_with` asks for."""
