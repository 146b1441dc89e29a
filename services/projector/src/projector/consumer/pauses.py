"""Growing pauses between attempts, with jitter so that several waiters do not march in step."""

import random
from collections.abc import Iterator

FIRST_S = 0.1
LONGEST_S = 10.0


def growing() -> Iterator[float]:
    """Seconds to wait before the next attempt: doubling from 0.1 to 10, each ± a quarter."""
    pause = FIRST_S
    while True:
        yield pause * random.uniform(0.75, 1.25)  # noqa: S311 -- jitter is no secret
        pause = min(pause * 2, LONGEST_S)
