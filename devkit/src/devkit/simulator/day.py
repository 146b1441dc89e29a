"""A believable call-out day: what happens to the tasks of one contact date, as events.

A pure function of the plan: `day_events` and `timetable` do no I/O and never ask for the time.
What kind of business it is says the plan's profile (devkit.simulator.profile); docs/simulator.md
describes the assumptions.

Times are whole seconds since midnight of the contact date, negative for the days before.
"""

from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any

from devkit.simulator.actors import Task
from devkit.simulator.calls import work
from devkit.simulator.clock import DAY, HOUR
from devkit.simulator.day_plan import DayPlan
from devkit.simulator.event_writer import Event, SimulatedEvent
from devkit.simulator.history import leave_for_later, leave_over, postpone_here
from devkit.simulator.names import address, client, client_of_address, manager
from devkit.simulator.outcomes import deliver
from devkit.simulator.planning import TAKEN_UP_AT, first_call, plan_contact, take_up
from devkit.simulator.profile import MINUTE, OPENS, QUARTER
from devkit.simulator.simulated_day import SimulatedDay


def day_events(plan: DayPlan) -> Iterator[Event]:
    """The events in order of time, from the days before to the deliveries of the day after."""
    for one in sorted(_simulate(plan), key=lambda one: one.second):
        yield one.event


def timetable(plan: DayPlan) -> list[SimulatedEvent]:
    """The same events in the order in which they are reported."""
    return sorted(_simulate(plan), key=lambda one: one.reported)


def _simulate(plan: DayPlan) -> list[SimulatedEvent]:
    day = None
    events: list[SimulatedEvent] = []
    for one in plan.in_order():
        day = SimulatedDay(one, day)
        offset = (one.date - plan.date).days * DAY
        events += [
            SimulatedEvent(second + offset, reported + offset, event)
            for second, reported, event in _play(day)
        ]
    return events


def _play(day: SimulatedDay) -> list[SimulatedEvent]:
    """Play one day, to which those before it may have left something."""
    count = max(0, day.plan.tasks - day.contacts_carried_here)
    population = max(2_000, 4 * day.plan.tasks)
    # A cycle of a week: each weekday has its own addresses.
    last = day.plan.last or day.plan
    cycle = (day.plan.date - last.date).days % 7 * max(2_000, 4 * last.tasks)
    for number, place in enumerate(day.rng.sample(population, count), 1):
        _add_task(day, number, cycle + place)
    for one in day.operators:
        day.schedule(one.begins, work, one)
    events = day.play()
    leave_for_later(day)
    return events


def _add_task(day: SimulatedDay, number: int, place: int) -> None:
    """Make the task of this number, for the address of the number `place`, and how it comes to the day."""
    rng, plan = day.rng, day.plan
    customer = client_of_address(place)
    data: dict[str, Any] = {
        "operator": None,
        "manager": None
        if rng.chance(day.profile.without_manager)
        else manager(customer % day.managers + 1),
        "client": client(customer),
        "address": address(place),
    }
    holder = rng.whole(0, plan.operators - 1)
    task = Task(f"T{plan.date:%y%m%d}-{plan.tag}-{number:06}", data, holder)
    if not rng.chance(day.profile.new_client):
        days = rng.whole(7, 35)
        data["last_delivery_date"] = (plan.date - timedelta(days=days)).isoformat()
    origin = rng.weighted(day.profile.origins)
    if origin:
        data["origin"] = origin
    day.tasks.append(task)
    day.draw_conversation(task)
    match rng.weighted(_how_planned(day)):
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
            if rng.chance(day.profile.without_operator):
                task.operator = None
            _plan_for_today(day, at, task)


def _how_planned(day: SimulatedDay) -> Sequence[tuple[str, float]]:
    """How tasks come to the day; what earlier days leave is made up for the first day alone."""
    ways = day.profile.how_planned
    if day.is_first:
        return ways
    return [(way, weight) for way, weight in ways if way in ("planned", "planned today")]


def _plan_for_today(day: SimulatedDay, at: int, task: Task) -> None:
    """Plan it for the day, queue its first call, and schedule what else may become of it."""
    rng = day.rng
    due = None
    if rng.chance(day.profile.has_due):
        due = rng.whole(max(OPENS, at) // QUARTER + 6, 19 * 4) * QUARTER
    plan_contact(day, at, task, 0, due)
    day.enqueue(task, first_call(day, task, max(at, OPENS), due))
    if task.operator is None:
        if rng.chance(day.profile.given_an_operator):
            day.schedule(rng.whole(max(OPENS, at), 12 * HOUR), _reassign, task, due)
    elif rng.chance(day.profile.reassigned):
        day.schedule(rng.whole(max(OPENS, at), 15 * HOUR), _reassign, task, due)
    if at < 0 and rng.chance(day.profile.moved):
        day.schedule(rng.whole(8 * HOUR, 10 * HOUR), _move, task)
    if rng.chance(day.profile.ordered_on_the_web):
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
        days = day.rng.whole(1, 3)
        plan_contact(day, at, task, days)
        task.settle("closed")
        day.carry_contact(days, TAKEN_UP_AT, take_up, task, None)


def _order_on_the_web(day: SimulatedDay, at: int, task: Task) -> None:
    """An order is delivered although no call has reported it."""
    if task.state == "open":
        task.settle("ordered")
        task.orders += 1
        deliver(day, at, task, f"{task.id}-web")
