"""What a batch changes of a shard: differences first, then absolute values."""

from dataclasses import dataclass, field

from projector.fold.cells import CellKey, OpenBucket, Sums
from projector.fold.facts import Fact
from projector.fold.task import Task

Who = tuple[str, str]
"""(kind, id) of somebody or something that has a name."""


@dataclass(slots=True)
class Change:
    """Absolute values for a shard: fields to set and to delete by key, and what moved."""

    sets: dict[str, dict[str, bytes | str | int]] = field(default_factory=dict)
    deletes: dict[str, list[str]] = field(default_factory=dict)
    drops: list[str] = field(default_factory=list)
    """Whole keys to remove."""
    moved: set[str] = field(default_factory=set)
    """Dates, and `NAMES_SEQ`, whose seq moves with this change."""
    gone: list[str] = field(default_factory=list)
    """Dates that are forgotten."""

    def put(self, key: str, name: str, value: bytes | str | int) -> None:
        fields = self.sets.get(key)
        if fields is None:
            fields = self.sets[key] = {}
        fields[name] = value

    def remove(self, key: str, name: str) -> None:
        self.deletes.setdefault(key, []).append(name)


@dataclass(slots=True)
class Fold:
    """A batch after its tasks were folded: differences, not summed up into values yet."""

    change: Change = field(default_factory=Change)
    tasks: dict[str, Task] = field(default_factory=dict)
    """Those the batch changed."""
    full: list[tuple[str, Fact]] = field(default_factory=list)
    """Facts that their task had no room for."""
    cells: dict[CellKey, Sums] = field(default_factory=dict)
    open: dict[OpenBucket, int] = field(default_factory=dict)
    names: dict[Who, str | None] = field(default_factory=dict)
    """Who has a new name → the name they had."""
    deliveries: dict[str, str] = field(default_factory=dict)
    """Address → date, if a task of the batch knows one."""
    lost: list[Fact] = field(default_factory=list)
    """Facts that made room for lesser contents: what only they gave must be found again."""
    lost_addresses: set[str] = field(default_factory=set)

    def dates(self) -> set[str]:
        """Contact dates that the batch touches."""
        return {key[0] for key in self.cells} | {key[0] for key in self.open}
