"""A storm of dead letters: so many records that can't be read that a publisher must be broken.

Sending them to the dead letters one by one would be correct and useless: the report would be
missing half of a partition and look whole. So that shard parks, before it has applied the batch that
crosses the limit, until the operator accepts the loss or the publisher is fixed.

The share is taken over the partition's last records. The shard's meta holds which of them were
dead, and why, written together with the offset: whoever owns the shard next goes on from there, and
a restart in the middle of a storm neither hastens nor delays its end.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from pydantic_core import from_json, to_json

from contracts.meta import MetaChange

WINDOW: Final = 10_000
"""Records of a partition over which the share is taken."""

LEAST: Final = 1_000
"""Records below which no share is taken: a young partition may begin with a few mistakes."""

TAIL: Final = 1_000
"""Newest records of a partition that are looked at to see whether the publisher is fixed."""

LEAST_TAIL: Final = 100
"""Records that must have come after the storm before it may count as over."""


@dataclass(frozen=True)
class Storm:
    """The batch that crossed the limit."""

    begin: int
    """Offset of its first record: nothing from there on is applied."""
    last: int
    """Offset of its last record."""
    message: str


class Window:
    """The last records of a partition, each a byte: 0 for an event, otherwise its reason's number."""

    def __init__(self) -> None:
        self._verdicts = bytearray()
        self._numbers: dict[str, int] = {}
        self._written = b""

    @classmethod
    def of_recent(cls, recent: str | None) -> "Window":
        """The window of what the meta holds."""
        window = cls()
        if recent:
            seen, dead, *verdicts = from_json(recent)
            window._verdicts = bytearray(seen)
            if verdicts:
                window._verdicts = bytearray(zlib.decompress(b64decode(verdicts[0])))
                window._numbers = {reason: number for number, reason in enumerate(dead, 1)}
            window._written = recent.encode()
        return window

    def take(self, count: int, dead: Mapping[int, str]) -> None:
        """Take `count` more records in; `dead` gives the reasons by their place among them."""
        verdicts = bytearray(count)
        for at, reason in dead.items():
            verdicts[at] = self._number(reason)
        self._verdicts += verdicts
        del self._verdicts[:-WINDOW]

    def _number(self, reason: str) -> int:
        return self._numbers.setdefault(reason, len(self._numbers) + 1)

    @property
    def seen(self) -> int:
        return len(self._verdicts)

    def dead(self) -> dict[str, int]:
        """Dead letters in the window, by reason."""
        return {reason: count for reason, count in self._counts().items() if count}

    def _counts(self) -> dict[str, int]:
        return {reason: self._verdicts.count(number) for reason, number in self._numbers.items()}

    def is_storm(self) -> bool:
        return self.seen >= LEAST and 2 * sum(self.dead().values()) > self.seen

    def notes(self) -> MetaChange:
        """What to write to the meta together with the records; empty if nothing changed."""
        recent = to_json([self.seen, {}])
        if any(self._verdicts):
            verdicts = b64encode(zlib.compress(self._verdicts, level=1)).decode()
            recent = to_json([self.seen, self._counts(), verdicts])
        if recent == self._written:
            return {}
        self._written = recent
        return {"recent": recent.decode()}


def is_over(verdicts: Iterable[bool]) -> bool:
    """Whether the newest records (True for a dead letter) show that the publisher is fixed."""
    newest = list(verdicts)
    return len(newest) >= LEAST_TAIL and 2 * sum(newest) <= len(newest)


def storm(topic: str, partition: int, begin: int, last: int, window: Window) -> Storm:
    """The storm of a window that `is_storm`."""
    dead = window.dead()
    total = sum(dead.values())
    reason = max(dead, key=lambda one: dead[one])
    return Storm(
        begin,
        last,
        f"dead-letter storm: {total} of the last {window.seen} records "
        f"({100 * total / window.seen:.0f} %) of partition {partition} of {topic} up to offset {last} "
        f"can't be read, most of them ({dead[reason]}) as {reason!r}; it is at offset {begin}. "
        "Fix the publisher, or accept the loss: "
        f"python -m projector run --accept-through {last} --partition {partition}. "
        "See docs/runbook.md, 'Dead-letter storm'",
    )
