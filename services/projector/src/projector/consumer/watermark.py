"""Through which moment a shard is complete. Pure: moments and offsets are arguments."""

from collections import deque
from typing import Final

from contracts.meta import MetaChange

KEPT_SAMPLES: Final = 3_600
"""Samples of the end that wait for the shard to reach it; at one a second, an hour of lag."""


class Watermark:
    """The ends of a partition that were seen, and the newest one that its shard has reached."""

    def __init__(self, as_of: int | None = None) -> None:
        self.as_of = as_of
        """Milliseconds since 1970: all that the log held at that moment is applied."""
        self._samples: deque[tuple[int, int]] = deque(maxlen=KEPT_SAMPLES)
        """(milliseconds since 1970, end offset), oldest first, not yet reached."""
        self.is_idle = False
        """Whether the shard was at the same offset at the last two samples."""
        self._sampled_at = -1

    def sample(self, now_ms: int, end: int, at: int) -> None:
        """At that moment the partition ended at `end`, and the shard was at offset `at`."""
        self._samples.append((now_ms, end))
        self.is_idle = at == self._sampled_at
        self._sampled_at = at

    def reach(self, offset: int) -> MetaChange:
        """What to note of the freshness once `offset` is reached."""
        while self._samples and self._samples[0][1] <= offset:
            self.as_of = self._samples.popleft()[0]
        return {"as_of": self.as_of} if self.as_of else {}
