"""The state of a day while it is simulated: who takes part, and an agenda of what is to happen."""

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from typing import Concatenate, ParamSpec

from devkit.simulator import probabilities
from devkit.simulator.actors import CallQueue, Operator, Task
from devkit.simulator.campaign_sample import campaign_contacts
from devkit.simulator.day_plan import DayPlan
from devkit.simulator.event_writer import EventWriter, SimulatedEvent
from devkit.simulator.rng import Rng

P = ParamSpec("P")


class SimulatedDay:
    """A day that is being simulated.

    What happens is a function of the day, the second and its own arguments: `schedule` puts it on
    the agenda, `play` calls it when its second has come.
    """

    def __init__(self, plan: DayPlan) -> None:
        self.plan = plan
        self.clock = plan.clock
        self.rng = Rng(f"day {plan.date} {plan.seed} {plan.operators} {plan.tasks}")
        self.writer = EventWriter(plan.clock, self.rng)
        self.operators = [Operator(number, self.rng) for number in range(plan.operators)]
        self.managers = max(2, plan.operators // 5)
        self.unassigned = CallQueue()
        """Contacts without an operator."""
        self.orders = 0
        """Orders that were taken by telephone so far."""
        self.busy_until: dict[tuple[int, int], int] = {}
        """(operator, days before) → when that earlier day's last call ended."""
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._turn = 0

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

    def play(self) -> list[SimulatedEvent]:
        """Do everything on the agenda in order of time; returns the events in the order of writing."""
        while self._agenda:
            _, _, act = heappop(self._agenda)
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
        """Draw one of the campaign's contacts: this one will go as that one did."""
        task.sample = self.rng.one_of(campaign_contacts())
        task.left = task.sample.calls - 1
        if most_before is not None:
            task.left = min(task.left, most_before)
        task.unanswered = 0
        task.patience = self.rng.whole(*probabilities.UNANSWERED_AT_MOST)
