"""A believable call-out day: what happens to the tasks of one contact date, as events.

A pure function of the plan: `day` and `timetable` do no I/O and never ask for the time. How
many calls a contact takes, how long the last one lasts and whether it ends in an order is drawn
from a real campaign (devkit.simulator.campaign_sample); everything else is assumed here and told in
docs/simulator.md.

Times are whole seconds since midnight of the contact date, negative for the days before.
"""

import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from hashlib import blake2s
from heapq import heappop, heappush
from importlib.resources import files
from typing import Any, Final, NamedTuple

from devkit.simulator import probabilities
from devkit.simulator.campaign_sample import Draw, draws
from devkit.simulator.clock import DAY, HOUR, Clock
from devkit.simulator.names import address, client, client_of_address, manager, operator
from devkit.simulator.probabilities import CLOSES, MINUTE, OPENS, QUARTER
from devkit.simulator.rng import Dice

Event = dict[str, Any]

WEEKDAYS: Final = (
    "в понедельник",
    "во вторник",
    "в среду",
    "в четверг",
    "в пятницу",
    "в субботу",
    "в воскресенье",
)
MONTHS: Final = (
    "января",
    "февраля",
    "марта",
    "апреля",
    "мая",
    "июня",
    "июля",
    "августа",
    "сентября",
    "октября",
    "ноября",
    "декабря",
)


@dataclass(frozen=True)
class DayPlan:
    """What to simulate. Equal plans give equal events, ids included."""

    clock: Clock
    """Its day is the contact date."""
    operators: int = 12
    tasks: int = 600
    seed: int = 1

    @property
    def date(self) -> date:
        return self.clock.day

    @property
    def tag(self) -> str:
        """Part of every id, so that the days of two different plans never share one."""
        text = repr((self.date, self.operators, self.tasks, self.seed, self.clock.stretches))
        return blake2s(text.encode(), digest_size=4).hexdigest()


class Happening(NamedTuple):
    """An event and its place in the day."""

    second: int
    """When it happens: the event's time."""
    told: int
    """When its publisher tells: a call is told when it is over."""
    event: Event


def day(plan: DayPlan) -> Iterator[Event]:
    """The events in order of time, from the days before to the deliveries of the day after."""
    for happening in sorted(_Day(plan).play(), key=lambda one: one.second):
        yield happening.event


def timetable(plan: DayPlan) -> list[Happening]:
    """The same events in the order in which they become known."""
    return sorted(_Day(plan).play(), key=lambda one: one.told)


class _Operator:
    """An operator at work: makes one call at a time."""

    __slots__ = ("begins", "ends", "has_eaten", "lunch", "lunch_s", "number", "party", "queue")

    def __init__(self, number: int, dice: Dice) -> None:
        self.number = number
        self.party = operator(number + 1)
        self.begins, self.ends = dice.weighted(probabilities.SHIFTS)
        self.begins += dice.whole(0, 8 * MINUTE)
        self.lunch = dice.whole(*probabilities.LUNCH)
        self.lunch_s = dice.whole(*probabilities.LUNCH_MINUTES) * MINUTE
        self.has_eaten = False
        self.queue: list[tuple[int, int, _Task, int]] = []


class _Task:
    """A task, and how its current contact stands."""

    __slots__ = (
        "calls",
        "draw",
        "events",
        "id",
        "is_again",
        "left",
        "operator",
        "orders",
        "patience",
        "plan",
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
        self.state = "open"
        """open | dropped | ordered | closed (for this day)"""
        self.ticket = 0
        """A place in a queue is good while it bears this number."""
        self.events = 0
        self.calls = 0
        self.orders = 0
        self.unanswered = 0
        self.undecided = 0
        self.is_again = False
        """The next call is for a second order."""
        self.draw = Draw(1, 0, is_success=False)
        self.left = 0
        """Calls that nobody answers before the one that decides."""
        self.patience = probabilities.PATIENCE[1]

    @property
    def is_callable(self) -> bool:
        return self.state in ("open", "dropped") or self.is_again

    def settle(self, state: str) -> None:
        """Take the state; whoever has the task in a queue will not call."""
        self.state = state
        self.ticket += 1


class _Day:
    """The day while it is played: an agenda of what is to happen, in order of time."""

    def __init__(self, plan: DayPlan) -> None:
        self._clock = plan.clock
        self._plan = plan
        self._dice = Dice(f"day {plan.date} {plan.seed} {plan.operators} {plan.tasks}")
        self._told: list[Happening] = []
        self._agenda: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._turn = 0
        self._operators = [_Operator(number, self._dice) for number in range(plan.operators)]
        self._managers = max(2, plan.operators // 5)
        self._pool: list[tuple[int, int, _Task, int]] = []
        """The queue of contacts without an operator."""
        self._busy_until: dict[tuple[int, int], int] = {}
        """(operator, days before) → when that day's last call ended, for the history."""
        self._orders = 0

    def play(self) -> list[Happening]:
        self._plan_tasks()
        for one in self._operators:
            self._on(one.begins, self._work, one)
        while self._agenda:
            second, _, act, arguments = heappop(self._agenda)
            act(second, *arguments)
        return self._told

    # The plan

    def _plan_tasks(self) -> None:
        dice, plan = self._dice, self._plan
        places = dice.sample(max(2_000, 4 * plan.tasks), plan.tasks)
        prefix = f"T{plan.date:%y%m%d}-{plan.tag}"
        for number, place in enumerate(places, 1):
            customer = client_of_address(place)
            data: dict[str, Any] = {
                "operator": None,
                "manager": None
                if dice.chance(probabilities.WITHOUT_MANAGER)
                else manager(customer % self._managers + 1),
                "client": client(customer),
                "address": address(place),
            }
            holder = dice.whole(0, plan.operators - 1)
            task = _Task(f"{prefix}-{number:06}", data, holder)
            if not dice.chance(probabilities.NEW_CLIENT):
                days = dice.whole(7, 35)
                data["last_delivery_date"] = (plan.date - timedelta(days=days)).isoformat()
            origin = dice.weighted(probabilities.ORIGINS)
            if origin:
                data["origin"] = origin
            self._draw(task)
            match dice.weighted(probabilities.STANDING):
                case "left over":
                    self._leave_over(task)
                case "postponed here":
                    self._postpone_here(task)
                case "planned today":
                    at = dice.whole(8 * HOUR + 30 * MINUTE, 12 * HOUR)
                    self._on(at, self._plan_for_today, task)
                case _:
                    if origin == "manual":
                        at = dice.whole(14 * HOUR, 19 * HOUR + 30 * MINUTE) - DAY
                    else:  # the forecast's batch
                        at = 18 * HOUR - DAY + number * 300 // plan.tasks
                    if dice.chance(probabilities.WITHOUT_OPERATOR):
                        task.operator = None
                    self._plan_for_today(at, task)

    def _plan_for_today(self, at: int, task: _Task) -> None:
        """Plan it for the day, queue its first call, and what else may become of it."""
        dice = self._dice
        due = None
        if dice.chance(probabilities.HAS_DUE):
            due = dice.whole(max(OPENS, at) // QUARTER + 6, 19 * 4) * QUARTER
        self._plan_on(at, task, 0, due)
        self._enqueue(task, self._slot(task, max(at, OPENS), due))
        if task.operator is None:
            if dice.chance(probabilities.GIVEN_AN_OPERATOR):
                self._on(dice.whole(max(OPENS, at), 12 * HOUR), self._reassign, task, due)
        elif dice.chance(probabilities.REASSIGNED):
            self._on(dice.whole(max(OPENS, at), 15 * HOUR), self._reassign, task, due)
        if at < 0 and dice.chance(probabilities.MOVED):
            self._on(dice.whole(8 * HOUR, 10 * HOUR), self._move, task)
        if dice.chance(probabilities.ORDERED_ON_THE_WEB):
            self._on(dice.whole(max(10 * HOUR, at), 18 * HOUR), self._order_on_the_web, task)

    def _plan_on(self, at: int, task: _Task, days: int, due: int | None = None) -> None:
        """Tell a planned event for the date so many days from the simulated one."""
        dice, data = self._dice, dict(task.plan)
        on = self._plan.date + timedelta(days=days)
        data["operator"] = None if task.operator is None else self._party(task.operator)
        data["contact_date"] = on.isoformat()
        delivered_in = dice.weighted(probabilities.DELIVERY_AFTER_DAYS)
        if delivered_in is None:
            data["plan_date"] = None
        else:
            data["plan_date"] = (on + timedelta(days=delivered_in)).isoformat()
        if due is None:
            data.pop("due_at", None)
        elif days:
            data["due_at"] = self._clock.of_life(days, due)
        else:
            data["due_at"] = self._clock.next_minute(due).isoformat()
        task.plan = data
        self._tell(at, task, "crm", "task-planned.v1", data)

    def _slot(self, task: _Task, earliest: int, due: int | None) -> int:
        """When the contact is meant to be called first."""
        if task.operator is None:
            begins, ends = OPENS, CLOSES
        else:
            holder = self._operators[task.operator]
            begins, ends = holder.begins, holder.ends
        first = max(begins, earliest)
        last = ends - probabilities.LATEST_FIRST_CALL
        if due is not None and self._dice.chance(probabilities.DUE_HEEDED):
            last = min(last, due - 20 * MINUTE)
        return self._dice.whole(first, max(first, last))

    def _draw(self, task: _Task, most_before: int | None = None) -> None:
        """Draw how the contact will go from one of the campaign's."""
        task.draw = self._dice.one_of(draws())
        task.left = task.draw.calls - 1
        if most_before is not None:
            task.left = min(task.left, most_before)
        task.unanswered = 0
        task.patience = self._dice.whole(*probabilities.PATIENCE)

    # History: what the days before have left

    def _leave_over(self, task: _Task) -> None:
        """A contact of an earlier date that nobody has finished; it is overdue."""
        dice = self._dice
        days = -dice.whole(1, 4)
        self._plan_on(dice.whole(18 * HOUR, 19 * HOUR) + (days - 1) * DAY, task, days)
        at = days * DAY + OPENS
        for _ in range(dice.whole(0, 3)):
            outcome = dice.weighted([("no_answer", 80), ("busy", 20)])
            at = self._call_then(task, days, outcome, dice.whole(15, 40), not_before=at)
        at = max(at, days * DAY + 10 * HOUR)
        became = dice.weighted(probabilities.LEFT_OVER_AS)
        if became == "postponed":
            comment = dice.one_of(_comments()["postponed_within_the_day"])
            date_then = (self._plan.date + timedelta(days=days)).isoformat()
            data = {"contact_date": date_then, "comment": comment}
            self._tell(at + MINUTE, task, "crm", "task-postponed.v1", data)
        elif became == "dropped":
            self._fail(at + MINUTE, task, "address_drop", "address_drop")
            task.state = "dropped"
            if dice.chance(probabilities.LEFT_OVER_DROP_CLOSED):
                self._on(dice.whole(OPENS, 17 * HOUR), self._close_address, task)
            return
        if dice.chance(
            probabilities.LEFT_OVER_CALLED
        ):  # called late: the call still belongs to the date it was made for
            self._enqueue(task, dice.whole(10 * HOUR, 17 * HOUR))
        elif dice.chance(
            probabilities.LEFT_OVER_PLANNED_AGAIN / (1 - probabilities.LEFT_OVER_CALLED)
        ):
            self._on(dice.whole(OPENS, 10 * HOUR), self._plan_again_for_today, task)

    def _postpone_here(self, task: _Task) -> None:
        """A contact of an earlier date that was postponed to this one."""
        dice = self._dice
        days = -dice.whole(1, 5)
        self._plan_on(dice.whole(18 * HOUR, 19 * HOUR) + (days - 1) * DAY, task, days)
        at = self._call_then(task, days, "answered", task.draw.duration_s, days * DAY + OPENS)
        due = (
            dice.whole(44, 76) * QUARTER if dice.chance(probabilities.POSTPONED_WITH_DUE) else None
        )
        self._tell_postponed(at + dice.whole(5, 60), task, 0, due)
        self._draw(task)
        self._enqueue(task, self._slot(task, OPENS, due))

    def _call_then(
        self, task: _Task, days: int, outcome: str, duration: int, not_before: int
    ) -> int:
        """Tell a call of an earlier day, if the operator still finds the time; when it was over."""
        assert task.operator is not None
        key = (task.operator, days)
        free = self._busy_until.get(key, days * DAY + OPENS + 10 * MINUTE)
        at = max(free, not_before) + self._dice.whole(MINUTE, 12 * MINUTE)
        if at + duration > days * DAY + CLOSES:
            return max(not_before, days * DAY + 19 * HOUR)
        self._busy_until[key] = at + duration
        self._tell_call(at, task, self._party(task.operator), outcome, duration)
        return at + duration

    def _plan_again_for_today(self, at: int, task: _Task) -> None:
        if task.state == "open":
            self._plan_on(at, task, 0)
            self._draw(task)
            self._enqueue(task, self._slot(task, at, None))

    # The operators

    def _work(self, at: int, one: _Operator) -> None:
        """The operator is free: eats, calls or waits."""
        if at >= one.ends:
            return
        if not one.has_eaten and at >= one.lunch:
            one.has_eaten = True
            self._on(at + one.lunch_s, self._work, one)
            return
        task = self._take_next(at, one)
        if task is None:
            ready = one.queue[0][0] if one.queue else at + 5 * MINUTE
            self._on(min(max(ready, at + 30), at + 5 * MINUTE), self._work, one)
            return
        over = self._call(at, one, task)
        self._on(over + self._dice.whole(*probabilities.BREATH_S), self._work, one)

    def _take_next(self, at: int, one: _Operator) -> _Task | None:
        """The contact to call now: the operator's own, now and then one that nobody holds."""
        own, pool = _ready(one.queue, at), _ready(self._pool, at)
        if pool and self._dice.chance(
            probabilities.CALLED_BETWEEN if own else probabilities.CALLED_WHEN_IDLE
        ):
            return heappop(self._pool)[2]
        return heappop(one.queue)[2] if own else None

    def _enqueue(self, task: _Task, ready: int) -> None:
        """To be called by its holder as soon after the second `ready` as may be."""
        task.ticket += 1
        self._turn += 1
        queue = self._pool if task.operator is None else self._operators[task.operator].queue
        heappush(queue, (ready, self._turn, task, task.ticket))

    # Calls, and what they come to

    def _call(self, at: int, one: _Operator, task: _Task) -> int:
        """Call; returns when the operator hangs up."""
        dice = self._dice
        if task.left > 0 and not task.is_again:
            return self._call_in_vain(at, one, task)
        duration = task.draw.duration_s
        over = at + duration
        if task.draw.is_success or task.is_again:
            self._take_order(at, one, task, duration)
            return over
        became = dice.weighted(probabilities.TALKS[duration <= probabilities.SHORT_TALK_S])
        outcome = "refused" if became in ("refused", "refused, no failure told") else "answered"
        call = self._tell_call(at, task, one.party, outcome, duration)
        after = over + dice.whole(5, 60)
        match became:
            case "refused":
                self._on(after, self._refuse, task, call["call_id"])
            case "refused, no failure told":
                task.settle("closed" if task.state == "open" else task.state)
                if dice.chance(probabilities.REFUSAL_TOLD_LATER):
                    self._on(over + dice.whole(30, 150) * MINUTE, self._refuse, task, None)
            case "refused without a call":
                task.settle(task.state)
                incoming = (
                    f"{task.id}-in" if dice.chance(probabilities.REFUSAL_BY_INCOMING_CALL) else None
                )
                self._on(over + dice.whole(2, 60) * MINUTE, self._refuse, task, incoming)
            case "postponed within the day" if over < 17 * HOUR + 30 * MINUTE:
                self._on(after, self._postpone_within_the_day, task)
            case "postponed to another day" | "postponed within the day":
                self._on(after, self._postpone, task)
            case "address dropped":
                self._on(after, self._drop_address, task)
            case "address closed":
                self._on(after, self._close_address, task)
            case _:
                task.undecided += 1
                if task.undecided < 2:
                    self._draw(task, most_before=1)
                    self._enqueue(task, over + dice.whole(60, 180) * MINUTE)
        return over

    def _call_in_vain(self, at: int, one: _Operator, task: _Task) -> int:
        dice = self._dice
        task.left -= 1
        outcome = dice.weighted(probabilities.OUTCOMES_BEFORE_THE_LAST)
        duration = dice.whole(*probabilities.RINGING_S[outcome])
        over = at + duration
        call = self._tell_call(at, task, one.party, outcome, duration)
        if outcome == "no_answer" and dice.chance(probabilities.WRONG_BUTTON):
            corrected = {**call, "outcome": "answered"}
            self._on(over + dice.whole(1, 10) * MINUTE, self._correct, task, corrected)
        task.unanswered += outcome != "answered"
        if task.unanswered >= task.patience:
            self._on(over + dice.whole(10, 90), self._give_up, task)
        else:
            self._enqueue(task, over + dice.whole(*probabilities.CALL_AGAIN_MINUTES) * MINUTE)
        return over

    def _take_order(self, at: int, one: _Operator, task: _Task, duration: int) -> None:
        dice = self._dice
        over = at + duration
        task.is_again = False
        task.settle("ordered")
        task.orders += 1
        self._orders += 1
        order = {
            "id": f"{task.id}-o{self._orders}",
            "number": f"{self._plan.date:%m%d}-{self._orders:05}",
        }
        call = self._tell_call(at, task, one.party, "ordered", duration, order)
        if dice.chance(probabilities.TAKEN_BACK):
            self._on(over + dice.whole(20, 150) * MINUTE, self._take_back, task, call)
            return
        if over < 15 * HOUR and dice.chance(probabilities.SAME_DAY_DELIVERY):
            delivered = over + dice.whole(90, 300) * MINUTE
        else:
            delivered = DAY + dice.whole(OPENS, 19 * HOUR)
        if dice.chance(probabilities.DELIVERED):
            self._on(delivered, self._deliver, task, order["id"])
        if task.orders == 1 and dice.chance(probabilities.SECOND_ORDER):
            task.is_again = True
            self._enqueue(task, over + dice.whole(30, 120) * MINUTE)

    def _take_back(self, at: int, task: _Task, call: dict[str, Any]) -> None:
        """The order is taken back: a correction of its call."""
        dice = self._dice
        outcome = dice.weighted(probabilities.TAKEN_BACK_AS)
        corrected = {key: value for key, value in call.items() if key != "order"}
        corrected["outcome"] = outcome
        if dice.chance(0.5):
            corrected["operator"] = None
        self._correct(at, task, corrected)
        task.orders -= 1
        if task.orders:
            return
        task.settle("open")
        if outcome == "refused":
            self._on(at + MINUTE, self._refuse, task, call["call_id"])
        elif dice.chance(probabilities.CALLED_AFTER_TAKING_BACK):
            self._draw(task, most_before=1)
            self._enqueue(task, at + dice.whole(30, 90) * MINUTE)

    def _correct(self, at: int, task: _Task, call: dict[str, Any]) -> None:
        self._tell(at, task, "telephony", "task-called.v1", call)

    def _give_up(self, at: int, task: _Task) -> None:
        if task.state not in ("open", "dropped"):
            return
        self._fail(at, task, "no_contact", "no_contact", n=task.unanswered)
        task.settle("closed")
        if self._dice.chance(probabilities.RETURNED_AFTER_NO_CONTACT):
            back = at + self._dice.whole(30, 120) * MINUTE
            if back < 18 * HOUR:
                self._on(back, self._return_to_work, task)

    def _refuse(self, at: int, task: _Task, call_id: str | None) -> None:
        if task.state == "ordered":
            return
        said = "refused" if call_id else "refused_without_a_call"
        self._fail(at, task, "refused", said, call_id=call_id)
        task.settle("closed")
        if self._dice.chance(probabilities.TRIED_AGAIN_AFTER_REFUSAL):
            self._on(at + self._dice.whole(20, 90) * MINUTE, self._plan_on, task, 30)

    def _postpone(self, at: int, task: _Task) -> None:
        if task.state not in ("open", "dropped"):
            return
        dice = self._dice
        days = dice.weighted(probabilities.POSTPONED_BY_DAYS)
        due = (
            dice.whole(40, 76) * QUARTER if dice.chance(probabilities.POSTPONED_WITH_DUE) else None
        )
        self._tell_postponed(at, task, days, due)
        task.settle("closed")

    def _postpone_within_the_day(self, at: int, task: _Task) -> None:
        if task.state not in ("open", "dropped"):
            return
        dice = self._dice
        due = None
        if dice.chance(probabilities.POSTPONED_WITHIN_WITH_DUE):
            due = min((at + dice.whole(40, 200) * MINUTE) // QUARTER * QUARTER, 78 * QUARTER)
        self._tell_postponed(at, task, 0, due)
        task.state = "open"
        self._draw(task, most_before=1)
        ready = (
            at + dice.whole(50, 150) * MINUTE if due is None else due - dice.whole(-5, 25) * MINUTE
        )
        self._enqueue(task, max(at + 10 * MINUTE, ready))

    def _tell_postponed(self, at: int, task: _Task, days: int, due: int | None) -> None:
        """To the date so many days from the simulated one; `due` is a second of that date."""
        dice, clock = self._dice, self._clock
        on = self._plan.date + timedelta(days=days)
        data: dict[str, Any] = {"contact_date": on.isoformat()}
        within = days == 0 and at >= 0
        if not within:
            data["plan_date"] = (
                (on + timedelta(days=1)).isoformat()
                if dice.chance(probabilities.POSTPONED_WITH_PLAN_DATE)
                else None
            )
        if due is not None:
            data["due_at"] = (
                clock.of_life(days, due) if days else clock.next_minute(due).isoformat()
            )
        if dice.chance(probabilities.TAKEN_OVER):
            task.operator = dice.whole(0, self._plan.operators - 1)
            data["operator"] = self._party(task.operator)
        if within:
            kind = "postponed_within_the_day" + ("_until" if due is not None else "")
        else:
            kind = "postponed_to_another_day"
        at_text = f"{clock.next_minute(due):%H:%M}" if due is not None else ""
        comment: str = dice.one_of(_comments()[kind]).format(
            at=at_text, day=_day_in_words(on, days if at >= 0 else 0)
        )
        data["comment"] = "" if dice.chance(probabilities.WITHOUT_COMMENT) else comment
        self._tell(at, task, "crm", "task-postponed.v1", data)

    def _drop_address(self, at: int, task: _Task) -> None:
        if task.state not in ("open", "dropped"):
            return
        dice = self._dice
        self._fail(at, task, "address_drop", "address_drop")
        task.settle("dropped")
        then = at + dice.whole(40, 240) * MINUTE
        match dice.weighted(probabilities.DROP_ENDS):
            case "closed":
                self._on(then, self._close_address, task)
            case "back to work":
                self._on(then, self._return_to_work, task)
            case "ordered after all":
                task.draw = Draw(1, dice.whole(100, 400), is_success=True)
                task.left = 0
                self._enqueue(task, then)
            case _:
                pass

    def _close_address(self, at: int, task: _Task) -> None:
        if task.state in ("open", "dropped"):
            self._fail(at, task, "address_closed", "address_closed")
            task.settle("closed")

    def _return_to_work(self, at: int, task: _Task) -> None:
        """Planned again on the same date after a failure."""
        if task.state in ("closed", "dropped"):
            self._plan_on(at, task, 0)
            task.settle("open")
            self._draw(task, most_before=1)
            self._enqueue(task, at + self._dice.whole(5, 60) * MINUTE)

    def _reassign(self, at: int, task: _Task, due: int | None) -> None:
        """Another operator takes over what nobody has called yet."""
        if task.state == "open" and task.calls == 0:
            task.operator = self._dice.whole(0, self._plan.operators - 1)
            self._plan_on(at, task, 0, due)
            self._enqueue(task, self._slot(task, at, due))

    def _move(self, at: int, task: _Task) -> None:
        """Planned for another date before anything has happened."""
        if task.state == "open" and task.calls == 0:
            self._plan_on(at, task, self._dice.whole(1, 3))
            task.settle("closed")

    def _order_on_the_web(self, at: int, task: _Task) -> None:
        """Delivered without any call having told of the order."""
        if task.state == "open":
            task.settle("ordered")
            task.orders += 1
            self._deliver(at, task, f"{task.id}-web")

    def _deliver(self, at: int, task: _Task, order_id: str) -> None:
        delivered_at = self._clock.text(at - self._dice.whole(1, 10) * MINUTE)
        data = {"order_id": order_id, "delivered_at": delivered_at}
        self._tell(at, task, "delivery", "task-delivered.v1", data)

    def _fail(
        self,
        at: int,
        task: _Task,
        reason: str,
        said: str,
        call_id: str | None = None,
        n: int = 0,
    ) -> None:
        data: dict[str, Any] = {"reason": reason}
        if not self._dice.chance(probabilities.WITHOUT_COMMENT):
            data["comment"] = self._dice.one_of(_comments()[said]).format(n=n)
        if call_id:
            data["call_id"] = call_id
        self._tell(at, task, "crm", "task-failed.v1", data)

    def _tell_call(
        self,
        at: int,
        task: _Task,
        caller: dict[str, str],
        outcome: str,
        duration: int,
        order: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        """The data of the call, which its corrections repeat."""
        task.calls += 1
        data: dict[str, Any] = {
            "call_id": f"{task.id}-c{task.calls}",
            "outcome": outcome,
            "operator": caller,
            "duration_s": duration,
        }
        if order:
            data["order"] = order
        self._tell(at, task, "telephony", "task-called.v1", data, told=at + duration)
        return data

    def _tell(
        self,
        at: int,
        task: _Task,
        service: str,
        event_type: str,
        data: dict[str, Any],
        told: int | None = None,
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
        self._told.append(Happening(at, at if told is None else told, event))

    def _on(self, at: int, act: Callable[..., None], *arguments: Any) -> None:
        self._turn += 1
        heappush(self._agenda, (at, self._turn, act, arguments))

    def _party(self, number: int) -> dict[str, str]:
        return self._operators[number].party


def _ready(queue: list[tuple[int, int, _Task, int]], at: int) -> bool:
    """Whether the queue's first good place is ready; removes those that are no longer good."""
    while queue and (queue[0][3] != queue[0][2].ticket or not queue[0][2].is_callable):
        heappop(queue)
    return bool(queue) and queue[0][0] <= at


def _day_in_words(on: date, ahead: int) -> str:
    """«в среду» for a date up to six days ahead, else «3 декабря»."""
    if ahead < 7:
        return WEEKDAYS[on.weekday()]
    return f"{on.day} {MONTHS[on.month - 1]}"


@cache
def _comments() -> dict[str, list[str]]:
    return tomllib.loads(
        files("devkit.simulator").joinpath("data/comments.toml").read_text("utf-8")
    )
