"""Waiting for a condition, instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

Found = TypeVar("Found")


async def until(
    condition: Callable[[], Found | Awaitable[Found]], within_s: float = 10.0, every_s: float = 0.02
) -> Found:
    """What the condition answers, as soon as that is truthy; AssertionError when it takes too long.

    The condition may be async. It is asked every `every_s` seconds.
    """
    give_up = time.monotonic() + within_s
    while True:
        answer = condition()
        found = await answer if inspect.isawaitable(answer) else answer
        if found:
            return found
        assert time.monotonic() < give_up, f"not within {within_s} s; last answer: {found!r}"
        await asyncio.sleep(every_s)
