"""Waiting for a condition, instead of sleeping."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar, overload

Found = TypeVar("Found")


@overload
async def until(
    condition: Callable[[], Awaitable[Found | None]], within_s: float = ..., every_s: float = ...
) -> Found: ...


@overload
async def until(
    condition: Callable[[], Found | None], within_s: float = ..., every_s: float = ...
) -> Found: ...


async def until(
    condition: Callable[[], Any], within_s: float = 10.0, every_s: float = 0.02
) -> object:
    """Returns the condition's value as soon as it is truthy; AssertionError if that takes too long.

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
