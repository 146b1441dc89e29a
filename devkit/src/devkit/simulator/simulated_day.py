"""The state of a day while it is simulated: who takes part, and an agenda of what is to happen."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from heapq import heappop, heappush
from typing import Concatenate, NamedTuple, ParamSpec

from devkit.simulator.actors import CallQueue, Operator, Task
from devkit.simulator.clock import EVENING
from devkit.simulator.day_plan import DayPlan
from devkit.simulator.event_writer import EventWriter, SimulatedEvent
from devkit.simulator.rng import Rng

P = ParamSpec("P")


class Carried(NamedTuple):
    """What a day has left for a later one."""

    date: date
    second: int
    act: Callable[["SimulatedDay", int], None]
    is_contact: bool
    """It is a contact that is planned for that date."""


class SimulatedDay:
    """A day that is being simulated.

    What happens is a function of the day, the second and its own arguments: `schedule` puts it on
    the agenda, `play` calls it when its second has come.
    """

    def __init__(self, plan: DayPlan, earlier: "SimulatedDay | None" = None) -> None:
        """`earlier` is the day before, which has been played."""
        self.plan = plan
        self.profile = plan.profile
        self.clock = plan.clock
        self.rng = Rng(f"day {plan.date} {plan.seed} {plan.operators} {plan.tasks}")
        self.writer = EventWriter(plan.clock, self.rng, plan.profile)
        self.operators = [
            Operator(number, self.rng, plan.profile) for number in range(plan.operators)
        ]
        self.managers = max(2, plan.operators // 5)
        self.unassigned = CallQueue()
        """Contacts without an operator."""
        self.orders = 0
        """Orders that were taken by telephone so far."""
        self.busy_until: dict[tuple[int, int], int] = {}
        """(operator, days before) → when that earlier day's last call ended."""
        self.tasks: list[Task] = []
        """Those with a contact of this date or an unfinished one of an earlier date."""
        self.is_first = earlier is None
        self.is_last = plan.last is None
        self.carried: list[Carried] = []
        """What this day leaves for later ones."""
        self.contacts_carried_here = 0
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._turn = 0
        for one in earlier.carried if earlier else ():
            if one.date > plan.date:
                self.carried.append(one)
                continue
            self.schedule(one.second, one.act)
            self.contacts_carried_here += one.is_contact

    def schedule(
        self,
        at: int,
        action: Callable[Concatenate["SimulatedDay", int, P], None],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> None:
        """Call `action(day, at, *arguments)` once the second `at` has come."""
        self._turn += 1
        act: Callable[[], None] = partial(action, self, at, *arguments, **named)
        heappush(self._agenda, (at, self._turn, act))

    def carry(
        self,
        days: int,
        second: int,
        action: Callable[Concatenate["SimulatedDay", int, P], None],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> None:
        """Call `action` on the day so many days later, with that day; on the last day do nothing."""
        self._carry(days, second, False, action, *arguments, **named)

    def carry_contact(
        self,
        days: int,
        second: int,
        action: Callable[Concatenate["SimulatedDay", int, P], None],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> None:
        """As `carry`; the action takes up a contact that is planned for that day."""
        self._carry(days, second, True, action, *arguments, **named)

    def _carry(
        self,
        days: int,
        second: int,
        is_contact: bool,
        action: Callable[Concatenate["SimulatedDay", int, P], None],
        *arguments: P.args,
        **named: P.kwargs,
    ) -> None:
        def act(day: SimulatedDay, at: int) -> None:
            action(day, at, *arguments, **named)

        if not self.is_last:
            on = self.plan.date + timedelta(days=days)
            self.carried.append(Carried(on, second, act, is_contact))

    def play(self) -> list[SimulatedEvent]:
        """Do everything on the agenda in order of time; returns the events in the order of writing.

        A day that another one follows ends in the evening: the next one may run by another clock, on
        which its morning is earlier.
        """
        while self._agenda:
            at, _, act = heappop(self._agenda)
            if at < EVENING or self.is_last:
                act()
        return self.writer.written

    def party(self, number: int) -> dict[str, str]:
        """The operator of this number as an event names them."""
        return self.operators[number].party

    def enqueue(self, task: Task, ready: int) -> None:
        """Have its holder call it as soon after the second `ready` as possible."""
        holder = task.operator
        queue = self.unassigned if holder is None else self.operators[holder].queue
        queue.add(task, ready)

    def draw_conversation(self, task: Task, most_before: int | None = None) -> None:
        """Draw how the contact will go."""
        skill = 0.0 if task.operator is None else self.operators[task.operator].skill
        task.sample = self.profile.draw(self.rng, skill)
        task.left = task.sample.calls - 1
        if most_before is not None:
            task.left = min(task.left, most_before)
        task.unanswered = 0
        task.patience = self.rng.whole(*self.profile.unanswered_at_most)
