"""The time within which responses must begin."""

import asyncio
from typing import Any


class Deadlines:
    """Cancels the requests whose responses do not begin in time.

    There is one timer for all of them: all have the same time, so the first to arrive is the first
    that is due. `asyncio.timeout` would set and drop a timer per request, ten microseconds each.
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
            self._timer = loop.call_at(due, self._cancel_overdue)

    def release(self, task: asyncio.Task[Any]) -> None:
        self._due.pop(task, None)
        self._cancelled.discard(task)

    def has_cancelled(self, task: asyncio.Task[Any]) -> bool:
        """Whether the task's cancellation came from here; if so, this call takes it back."""
        if task not in self._cancelled:
            return False
        self._cancelled.discard(task)
        return task.uncancel() == 0  # otherwise someone else has cancelled it too

    def _cancel_overdue(self) -> None:
        loop = asyncio.get_running_loop()
        now = loop.time()
        while self._due:
            task, due = next(iter(self._due.items()))
            if due > now:
                self._timer = loop.call_at(due, self._cancel_overdue)
                return
            del self._due[task]
            self._cancelled.add(task)
            task.cancel()
        self._timer = None
