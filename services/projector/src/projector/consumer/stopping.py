"""Ending tasks for certain."""

import asyncio
from collections.abc import Iterable
from typing import Any

AGAIN_S = 0.3
"""Seconds after which a cancellation that showed no effect is repeated."""


async def stopped(tasks: Iterable["asyncio.Future[Any]"]) -> None:
    """Cancel the tasks until all have ended: redis-py and aiokafka can lose a cancellation."""
    while pending := {task for task in tasks if not task.done()}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=AGAIN_S)
