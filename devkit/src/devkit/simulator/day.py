"""A believable call-out day: what happens to the tasks of one contact date, as events.

A pure function of the plan: `day_events` and `timetable` do no I/O and never ask for the time.
How many calls a contact takes, how long the last one lasts and whether it ends in an order is
drawn from a real campaign (devkit.simulator.campaign_sample); everything else is assumed
(devkit.simulator.probabilities) and described in docs/simulator.md.

Times are whole seconds since midnight of the contact date, negative for the days before.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from devkit.simulator import probabilities
from devkit.simulator.actors import Task
from devkit.simulator.calls import work
from devkit.simulator.clock import DAY, HOUR
from devkit.simulator.day_plan import DayPlan
from devkit.simulator.event_writer import Event, SimulatedEvent
from devkit.simulator.history import leave_over, postpone_here
from devkit.simulator.names import address, client, client_of_address, manager
from devkit.simulator.outcomes import deliver
from devkit.simulator.planning import first_call, plan_contact
from devkit.simulator.probabilities import MINUTE, OPENS, QUARTER
from devkit.simulator.simulated_day import SimulatedDay


def day_events(plan: DayPlan) -> Iterator[Event]:
    """The events in order of time, from the days before to the deliveries of the day after."""
    for one in sorted(_simulate(plan), key=lambda one: one.second):
        yield one.event


def timetable(plan: DayPlan) -> list[SimulatedEvent]:
    """The same events in the order in which they are reported."""
    return sorted(_simulate(plan), key=lambda one: one.reported)


def _simulate(plan: DayPlan) -> list[SimulatedEvent]:
    day = SimulatedDay(plan)
    places = day.rng.sample(max(2_000, 4 * plan.tasks), plan.tasks)
    for number, place in enumerate(places, 1):
        _add_task(day, number, place)
    for one in day.operators:
        day.schedule(one.begins, work, one)
    return day.play()


def _add_task(day: SimulatedDay, number: int, place: int) -> None:
    """Make the task of this number, for the address of the number `place`, and how it comes to the day."""
    rng, plan = day.rng, day.plan
    customer = client_of_address(place)
    data: dict[str, Any] = {
        "operator": None,
        "manager": None
        if rng.chance(probabilities.WITHOUT_MANAGER)
        else manager(customer % day.managers + 1),
        "client": client(customer),
        "address": address(place),
    }
    holder = rng.whole(0, plan.operators - 1)
    task = Task(f"T{plan.date:%y%m%d}-{plan.tag}-{number:06}", data, holder)
    if not rng.chance(probabilities.NEW_CLIENT):
        days = rng.whole(7, 35)
        data["last_delivery_date"] = (plan.date - timedelta(days=days)).isoformat()
    origin = rng.weighted(probabilities.ORIGINS)
    if origin:
        data["origin"] = origin
    day.draw_conversation(task)
    match rng.weighted(probabilities.HOW_PLANNED):
        case "left over":
            leave_over(day, task)
        case "postponed here":
            postpone_here(day, task)
        case "planned today":
            at = rng.whole(8 * HOUR + 30 * MINUTE, 12 * HOUR)
            day.schedule(at, _plan_for_today, task)
        case _:
            if origin == "manual":
                at = rng.whole(14 * HOUR, 19 * HOUR + 30 * MINUTE) - DAY
            else:  # the forecast's batch
                at = 18 * HOUR - DAY + number * 300 // plan.tasks
            if rng.chance(probabilities.WITHOUT_OPERATOR):
                task.operator = None
            _plan_for_today(day, at, task)


def _plan_for_today(day: SimulatedDay, at: int, task: Task) -> None:
    """Plan it for the day, queue its first call, and schedule what else may become of it."""
    rng = day.rng
    due = None
    if rng.chance(probabilities.HAS_DUE):
        due = rng.whole(max(OPENS, at) // QUARTER + 6, 19 * 4) * QUARTER
    plan_contact(day, at, task, 0, due)
    day.enqueue(task, first_call(day, task, max(at, OPENS), due))
    if task.operator is None:
        if rng.chance(probabilities.GIVEN_AN_OPERATOR):
            day.schedule(rng.whole(max(OPENS, at), 12 * HOUR), _reassign, task, due)
    elif rng.chance(probabilities.REASSIGNED):
        day.schedule(rng.whole(max(OPENS, at), 15 * HOUR), _reassign, task, due)
    if at < 0 and rng.chance(probabilities.MOVED):
        day.schedule(rng.whole(8 * HOUR, 10 * HOUR), _move, task)
    if rng.chance(probabilities.ORDERED_ON_THE_WEB):
        day.schedule(rng.whole(max(10 * HOUR, at), 18 * HOUR), _order_on_the_web, task)


def _reassign(day: SimulatedDay, at: int, task: Task, due: int | None) -> None:
    """Another operator takes over what nobody has called yet."""
    if task.state == "open" and task.calls == 0:
        task.operator = day.rng.whole(0, day.plan.operators - 1)
        plan_contact(day, at, task, 0, due)
        day.enqueue(task, first_call(day, task, at, due))


def _move(day: SimulatedDay, at: int, task: Task) -> None:
    """The task is planned for another date before anything has happened."""
    if task.state == "open" and task.calls == 0:
        plan_contact(day, at, task, day.rng.whole(1, 3))
        task.settle("closed")


def _order_on_the_web(day: SimulatedDay, at: int, task: Task) -> None:
    """An order is delivered although no call has reported it."""
    if task.state == "open":
        task.settle("ordered")
        task.orders += 1
        deliver(day, at, task, f"{task.id}-web")
