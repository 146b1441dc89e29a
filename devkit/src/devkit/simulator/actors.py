"""Who and what takes part in a simulated day: tasks, operators and the queues between them."""

from datetime import date
from heapq import heappop, heappush
from typing import Any

from devkit.simulator.conversation import Conversation
from devkit.simulator.names import operator
from devkit.simulator.profile import MINUTE, Profile
from devkit.simulator.rng import Rng


class Task:
    """A task, and the state of its current contact."""

    __slots__ = (
        "calls",
        "delivery",
        "events",
        "id",
        "is_again",
        "left",
        "operator",
        "orders",
        "patience",
        "plan",
        "sample",
        "state",
        "ticket",
        "unanswered",
        "undecided",
    )

    def __init__(self, task_id: str, plan: dict[str, Any], holder: int | None) -> None:
        self.id = task_id
        self.plan = plan
        """The data of its latest planned event."""
        self.operator = holder
        """Number of the operator who holds the contact."""
        self.delivery: date | None = None
        """The plan date of its current contact."""
        self.state = "open"
        """open | dropped | ordered | closed (for this day)"""
        self.ticket = 0
        """A place in a queue is valid while it has this number."""
        self.events = 0
        self.calls = 0
        self.orders = 0
        self.unanswered = 0
        self.undecided = 0
        self.is_again = False
        """The next call is for a second order."""
        self.sample = Conversation(1, 0, is_success=False)
        self.left = 0
        """Calls without a result before the one that decides."""
        self.patience = 1
        """Unanswered calls after which the operator gives up."""

    @property
    def is_callable(self) -> bool:
        return self.state in ("open", "dropped") or self.is_again

    def settle(self, state: str) -> None:
        """Take the state; an operator who has the task in a queue will not call."""
        self.state = state
        self.ticket += 1


class CallQueue:
    """Tasks that wait for a call, by the second from which on they may be called."""

    __slots__ = ("_places", "_turn")

    def __init__(self) -> None:
        self._places: list[tuple[int, int, Task, int]] = []
        self._turn = 0
        """Of two tasks that are ready in the same second, the one that came first is called first."""

    def add(self, task: Task, ready: int) -> None:
        """Add the task; its places in all queues become invalid, but for this one."""
        task.ticket += 1
        self._turn += 1
        heappush(self._places, (ready, self._turn, task, task.ticket))

    def next_ready(self) -> int | None:
        """The second from which on the first task may be called; None if no task waits."""
        while self._places:
            ready, _, task, ticket = self._places[0]
            if ticket == task.ticket and task.is_callable:
                return ready
            heappop(self._places)
        return None

    def pop(self) -> Task:
        """Remove the first task, which `next_ready` has found."""
        return heappop(self._places)[2]


class Operator:
    """An operator at work, who makes one call at a time."""

    __slots__ = ("begins", "ends", "has_eaten", "lunch", "lunch_s", "party", "queue", "skill")

    def __init__(self, number: int, rng: Rng, profile: Profile) -> None:
        self.party = operator(number + 1)
        self.skill = 2 * Rng(f"skill of operator {number + 1}").random() - 1
        """From -1 to 1; like the name it is the same every day."""
        self.begins, self.ends = rng.weighted(profile.shifts)
        self.begins += rng.whole(0, 8 * MINUTE)
        self.lunch = rng.whole(*profile.lunch)
        self.lunch_s = rng.whole(*profile.lunch_minutes) * MINUTE
        self.has_eaten = False
        self.queue = CallQueue()
