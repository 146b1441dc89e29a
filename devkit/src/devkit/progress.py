"""Showing progress without flooding: a bar on a terminal, otherwise a line now and then."""

import time
from collections.abc import Callable
from typing import Final, ParamSpec

P = ParamSpec("P")

BAR_EVERY_S: Final = 0.1
"""Seconds between two moves of a bar, at least."""

LINE_EVERY_S: Final = 2.0
"""Seconds between two lines of progress if there is no terminal, at least."""


def at_most_every(seconds: float, act: Callable[P, None]) -> Callable[P, None]:
    """Returns `act` with a brake: calls within `seconds` of the last one, or of now, do nothing."""
    last = time.monotonic()

    def act_if_due(*arguments: P.args, **named: P.kwargs) -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= seconds:
            last = now
            act(*arguments, **named)

    return act_if_due
