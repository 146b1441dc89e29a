"""What the CRM, the telephony and the delivery report of a simulated day, as CloudEvents."""

import tomllib
from functools import cache
from importlib.resources import files
from typing import Any, NamedTuple

from devkit.simulator.actors import Task
from devkit.simulator.clock import Clock
from devkit.simulator.profile import Profile
from devkit.simulator.rng import Rng

Event = dict[str, Any]


class SimulatedEvent(NamedTuple):
    """An event and its place in the day."""

    second: int
    """When it happens: the event's time."""
    reported: int
    """When it is published: a call is reported when it is over."""
    event: Event


class EventWriter:
    """Writes down the events of one day, in the order in which they are decided."""

    def __init__(self, clock: Clock, rng: Rng, profile: Profile) -> None:
        self.written: list[SimulatedEvent] = []
        self._clock = clock
        self._rng = rng
        self._profile = profile

    def planned(self, at: int, task: Task, data: dict[str, Any]) -> None:
        self._write(at, task, "crm", "task-planned.v1", data)

    def postponed(self, at: int, task: Task, data: dict[str, Any]) -> None:
        self._write(at, task, "crm", "task-postponed.v1", data)

    def failed(
        self,
        at: int,
        task: Task,
        reason: str,
        comment: str | None = None,
        call_id: str | None = None,
        n: int = 0,
    ) -> None:
        """A failure; `comment` is the kind of its comment, if that is not the reason's."""
        data: dict[str, Any] = {"reason": reason}
        if not self._rng.chance(self._profile.without_comment):
            data["comment"] = self._rng.one_of(comments()[comment or reason]).format(n=n)
        if call_id:
            data["call_id"] = call_id
        self._write(at, task, "crm", "task-failed.v1", data)

    def called(
        self,
        at: int,
        task: Task,
        caller: dict[str, str],
        outcome: str,
        duration: int,
        order: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """A new call of the task; returns its data, which its corrections repeat."""
        task.calls += 1
        data: dict[str, Any] = {
            "call_id": f"{task.id}-c{task.calls}",
            "outcome": outcome,
            "operator": caller,
            "duration_s": duration,
        }
        if order:
            data["order"] = order
        self._write(at, task, "telephony", "task-called.v1", data, reported=at + duration)
        return data

    def corrected(self, at: int, task: Task, call: dict[str, Any]) -> None:
        """A later report of a call that was reported before."""
        self._write(at, task, "telephony", "task-called.v1", call)

    def delivered(self, at: int, task: Task, order_id: str, delivered_at: int) -> None:
        data = {"order_id": order_id, "delivered_at": self._clock.text(delivered_at)}
        self._write(at, task, "delivery", "task-delivered.v1", data)

    def _write(
        self,
        at: int,
        task: Task,
        service: str,
        event_type: str,
        data: dict[str, Any],
        reported: int | None = None,
    ) -> None:
        task.events += 1
        event = {
            "specversion": "1.0",
            "id": f"{task.id}-e{task.events}",
            "source": f"/simulator/{service}",
            "type": event_type,
            "subject": task.id,
            "time": self._clock.text(at),
            "datacontenttype": "application/json",
            "data": data,
        }
        self.written.append(SimulatedEvent(at, at if reported is None else reported, event))


@cache
def comments() -> dict[str, list[str]]:
    """What an operator may write, by the kind of the comment."""
    text = files("devkit.simulator").joinpath("data/comments.toml").read_text("utf-8")
    return tomllib.loads(text)
