"""Work that is done again and again."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from projector.consumer.errors import UNAVAILABLE

log = structlog.get_logger()

SHORTEST_S = 0.05
"""Seconds of the pause after work that took longer than its period."""


async def every(seconds: float, work: Callable[..., Awaitable[Any]], *arguments: Any) -> None:
    """Do the work every so many seconds; a failure is logged and does not end it."""
    while True:
        started = time.monotonic()
        name = getattr(work, "__name__", repr(work))
        try:
            await work(*arguments)
        except UNAVAILABLE as error:
            log.warning("periodic_work_failed", work=name, error=str(error))
        except Exception:
            log.exception("periodic_work_failed", work=name)
        await asyncio.sleep(max(SHORTEST_S, seconds - (time.monotonic() - started)))
