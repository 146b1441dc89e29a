"""Growing pauses between attempts, with jitter so that several processes do not retry in step."""

import random
from collections.abc import Iterator
from typing import Final

FIRST_S: Final = 0.1
"""Seconds of the first pause, before jitter."""

LONGEST_S: Final = 10.0
"""Seconds that no pause exceeds, before jitter."""


def exponential(*, first_s: float = FIRST_S, longest_s: float = LONGEST_S) -> Iterator[float]:
    """Yield the seconds to wait before each next attempt, without end.

    They double from `first_s` to `longest_s`; each is off by up to a quarter.
    """
    pause = first_s
    while True:
        yield pause * random.uniform(0.75, 1.25)  # noqa: S311 -- jitter is no secret
        pause = min(pause * 2, longest_s)
