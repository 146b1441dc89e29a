"""The time within which answers must begin."""

import asyncio
from typing import Any


class Deadlines:
    """Cancels the requests whose answers do not begin in time.

    One timer for all of them: they have the same time, so the first to come is the first that is
    due. `asyncio.timeout` would set and drop one per request, for ten microseconds each.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._due: dict[asyncio.Task[Any], float] = {}
        self._cancelled: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    def watch(self, task: asyncio.Task[Any]) -> None:
        loop = asyncio.get_running_loop()
        due = self._due[task] = loop.time() + self._seconds
        if self._timer is None:
            self._timer = loop.call_at(due, self._look)

    def release(self, task: asyncio.Task[Any]) -> None:
        self._due.pop(task, None)
        self._cancelled.discard(task)

    def has_cancelled(self, task: asyncio.Task[Any]) -> bool:
        """Whether the cancellation that reached the task came from here; asking settles it."""
        if task not in self._cancelled:
            return False
        self._cancelled.discard(task)
        return task.uncancel() == 0  # else someone else has cancelled it as well

    def _look(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._due:
            task, due = next(iter(self._due.items()))
            if due > now:
                self._timer = loop.call_at(due, self._look)
                return
            del self._due[task]
            self._cancelled.add(task)
            task.cancel()
        self._timer = None
