"""Rate limits in process: a sliding window over two counters per caller.

A round trip to Redis per request would halve the throughput. `limits` has a memory storage too, but
that one starts a thread every 10 ms which walks over all callers: with ten thousand wallboards it
costs more than answering them.
"""

import math
import time
from collections.abc import Callable
from typing import Final

from limits import parse
from limits.storage import Storage
from limits.storage.base import SlidingWindowCounterSupport

from query_api.auth.refusals import Refusal
from query_api.auth.settings import UNLIMITED

MAX_CALLERS: Final = 100_000
"""Counters that are kept; beyond that, those of past windows are dropped first, then the oldest."""


class Counters(Storage, SlidingWindowCounterSupport):
    """Two counters per key: of the current window and of the one before it.

    Used from one event loop only, so it needs no lock.
    """

    STORAGE_SCHEME = None

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        super().__init__()
        self._clock = clock
        self._counts: dict[str, tuple[int, int, int]] = {}
        """key → (number of its window, count in it, count in the window before)"""

    @property
    def base_exceptions(self) -> type[Exception]:
        return ValueError

    def _now(self, key: str, expiry: int) -> tuple[int, int, int, float]:
        """Returns (window, count, count before, share of the current window that has passed)."""
        moment = self._clock() / expiry
        window = int(moment)
        at, count, before = self._counts.get(key, (window, 0, 0))
        if at == window - 1:
            count, before = 0, count
        elif at != window:
            count, before = 0, 0
        return window, count, before, moment - window

    def acquire_sliding_window_entry(
        self, key: str, limit: int, expiry: int, amount: int = 1
    ) -> bool:
        window, count, before, passed = self._now(key, expiry)
        if math.floor(before * (1 - passed) + count) + amount > limit:
            return False
        if key not in self._counts and len(self._counts) >= MAX_CALLERS:
            self._make_room(window)
        self._counts[key] = (window, count + amount, before)
        return True

    def _make_room(self, window: int) -> None:
        past = [key for key, (at, _, _) in self._counts.items() if at < window - 1]
        for key in past or list(self._counts)[: MAX_CALLERS // 10]:
            del self._counts[key]

    def get_sliding_window(self, key: str, expiry: int) -> tuple[int, float, int, float]:
        _, count, before, passed = self._now(key, expiry)
        return before, (1 - passed) * expiry, count, (2 - passed) * expiry

    def clear_sliding_window(self, key: str, expiry: int) -> None:  # noqa: ARG002 - the interface
        self.clear(key)

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        window, count, before, _ = self._now(key, expiry)
        self._counts[key] = (window, count + amount, before)
        return count + amount

    def get(self, key: str) -> int:
        return self._counts.get(key, (0, 0, 0))[1]

    def get_expiry(self, key: str) -> float:  # noqa: ARG002 - the interface
        return self._clock()

    def check(self) -> bool:
        return True

    def reset(self) -> int:
        held = len(self._counts)
        self._counts.clear()
        return held

    def clear(self, key: str) -> None:
        self._counts.pop(key, None)


class Rate:
    """One limit, for any number of keys."""

    def __init__(self, limit: str, *, clock: Callable[[], float] = time.time) -> None:
        self._item = None if limit == UNLIMITED else parse(limit)
        self._counters = Counters(clock)

    def hit(self, key: str) -> None:
        """Count one request; raise a 429 if it exceeds the limit."""
        # Not through the strategy of `limits`: it builds a longer key from this one each time,
        # which takes longer than everything else.
        item = self._item
        if item is not None and not self._counters.acquire_sliding_window_entry(
            key, item.amount, item.get_expiry()
        ):
            raise self._refusal(key)

    def check(self, key: str) -> None:
        """Raise a 429 if one more request would exceed the limit, without counting one."""
        item = self._item
        if item is None:
            return
        before, before_left, count, _ = self._counters.get_sliding_window(key, item.get_expiry())
        if math.floor(before * before_left / item.get_expiry() + count) + 1 > item.amount:
            raise self._refusal(key)

    def _refusal(self, key: str) -> Refusal:
        assert self._item is not None
        seconds = self._wait_s(key)
        return Refusal(
            429,
            f"More than {self._item.amount} requests per "
            f"{self._item.get_expiry()} seconds: wait {seconds} seconds.",
            why="rate limit",
            headers={"Retry-After": str(seconds)},
        )

    def _wait_s(self, key: str) -> int:
        """Returns the whole seconds after which one more request fits."""
        assert self._item is not None
        expiry, limit = self._item.get_expiry(), self._item.amount
        before, before_left, count, current_left = self._counters.get_sliding_window(key, expiry)
        if count < limit and before > 0:
            # The weight of the window before shrinks until floor(weighted) + 1 <= limit.
            return max(1, math.ceil(before_left - (limit - count) * expiry / before + 0.001))
        # The current window alone is full: it must end, and then weigh a little less.
        return max(1, math.ceil(current_left - expiry + expiry / max(count, 1) + 0.001))
