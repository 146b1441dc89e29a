"""Ending asyncio tasks reliably."""

import asyncio
from collections.abc import Collection
from typing import Any, Final

AGAIN_S: Final = 0.3
"""Seconds after which a cancellation that had no effect is repeated."""


async def cancel_all(tasks: Collection["asyncio.Future[Any]"]) -> None:
    """Cancel the tasks until all of them have ended.

    Once is not enough: redis-py and aiokafka can lose a cancellation while they connect. Errors of
    the tasks are not raised here.
    """
    while pending := {task for task in tasks if not task.done()}:
        for task in pending:
            task.cancel()
        await asyncio.wait(pending, timeout=AGAIN_S)
