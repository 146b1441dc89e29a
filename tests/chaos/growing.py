"""A load about one far date whose counts only ever grow."""

import time
from bisect import bisect
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from operator import itemgetter
from typing import Any

from chaos.histories import ZONE
from chaos.independent import Event
from chaos.load import Load
from support.events import cloud_event


class Growing(Load):
    """Plans and calls of one far date, which only ever adds: what is counted of them cannot shrink.

    So for every moment it is known how many a report as of that moment must show at least, and
    for every answer how many it can show at most.
    """

    def __init__(self, rate: int = 200, operators: int = 7) -> None:
        super().__init__(0, rate)
        self.day = (datetime.now(ZONE).date() + timedelta(days=20)).isoformat()
        self._operators = operators
        self._growing = self._tasks()
        self._acknowledged: list[tuple[float, int, int]] = [(0.0, 0, 0)]
        self.plans = self.calls = 0
        """Sent so far."""

    def _tasks(self) -> Iterator[Event]:
        for number in count():
            task = f"growing-{number}"
            who = {"id": f"own-{number % self._operators}", "name": f"Оператор {number}"}
            plan = {
                "client": {"id": f"c-{number}", "name": f"Клиент {number}"},
                "address": {"id": f"a-own-{number}", "text": f"дом {number}"},
                "contact_date": self.day,
                "operator": who,
            }
            call = {"outcome": "answered", "operator": who}
            yield _event(task, 0, "planned", plan)
            for at in range(1, 3):
                yield _event(task, at, "called", {**call, "call_id": f"{task}-{at}"})

    def take(self, number: int) -> list[Event]:
        taken = [next(self._growing) for _ in range(number)]
        plans = sum(event["type"] == "task-planned.v1" for event in taken)
        self.plans, self.calls = self.plans + plans, self.calls + number - plans
        self.sent += number
        self.events += taken
        return taken

    def acknowledged(self, events: list[Event]) -> None:
        _, plans, calls = self._acknowledged[-1]
        more = sum(event["type"] == "task-planned.v1" for event in events)
        self._acknowledged.append((time.time(), plans + more, calls + len(events) - more))

    def least(self, as_of: datetime) -> tuple[int, int]:
        """(planned, calls) that a report as of that moment must show at least."""
        at = bisect(self._acknowledged, as_of.timestamp(), key=itemgetter(0)) - 1
        return self._acknowledged[at][1:]


def _event(task: str, number: int, kind: str, data: dict[str, Any]) -> Event:
    now = datetime.now(ZONE).isoformat()
    return cloud_event(kind, task, now, data, id=f"{task}-{number}", source="/growing")
