"""For which date and time a contact is planned, and to which it is postponed."""

from datetime import date, timedelta
from typing import Any, Final

from devkit.simulator.actors import Task
from devkit.simulator.clock import HOUR
from devkit.simulator.event_writer import comments
from devkit.simulator.profile import CLOSES, MINUTE, OPENS
from devkit.simulator.simulated_day import SimulatedDay

WEEKDAYS: Final = (
    "в понедельник",
    "во вторник",
    "в среду",
    "в четверг",
    "в пятницу",
    "в субботу",
    "в воскресенье",
)
TAKEN_UP_AT: Final = 8 * HOUR
"""Before any call of a day, what was put off to it is taken up."""

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


def plan_contact(day: SimulatedDay, at: int, task: Task, days: int, due: int | None = None) -> None:
    """Report the task as planned for the date so many days after the simulated one.

    `due` is a second of that date.
    """
    data = dict(task.plan)
    on = day.plan.date + timedelta(days=days)
    data["operator"] = None if task.operator is None else day.party(task.operator)
    data["contact_date"] = on.isoformat()
    delivered_in = day.rng.weighted(day.profile.delivery_after_days)
    task.delivery = None if delivered_in is None else on + timedelta(days=delivered_in)
    data["plan_date"] = task.delivery and task.delivery.isoformat()
    if due is None:
        data.pop("due_at", None)
    else:
        data["due_at"] = _due_at(day, days, due)
    task.plan = data
    day.writer.planned(at, task, data)


def postpone_contact(day: SimulatedDay, at: int, task: Task, days: int, due: int | None) -> None:
    """Report the task as postponed to the date so many days after the simulated one.

    `due` is a second of that date.
    """
    rng = day.rng
    on = day.plan.date + timedelta(days=days)
    data: dict[str, Any] = {"contact_date": on.isoformat()}
    is_within_the_day = days == 0 and at >= 0
    if not is_within_the_day:
        has_plan_date = rng.chance(day.profile.postponed_with_plan_date)
        task.delivery = on + timedelta(days=1) if has_plan_date else None
        data["plan_date"] = task.delivery and task.delivery.isoformat()
    if due is not None:
        data["due_at"] = _due_at(day, days, due)
    if rng.chance(day.profile.postponed_to_another_operator):
        task.operator = rng.whole(0, day.plan.operators - 1)
        data["operator"] = day.party(task.operator)
    if is_within_the_day:
        kind = "postponed_within_the_day" + ("_until" if due is not None else "")
    else:
        kind = "postponed_to_another_day"
    comment: str = rng.one_of(comments()[kind]).format(
        at="" if due is None else f"{day.clock.next_minute(due):%H:%M}",
        day=_day_in_words(on, days if at >= 0 else 0),
    )
    data["comment"] = "" if rng.chance(day.profile.without_comment) else comment
    day.writer.postponed(at, task, data)


def first_call(day: SimulatedDay, task: Task, earliest: int, due: int | None) -> int:
    """The second for which the contact's first call is meant."""
    if task.operator is None:
        begins, ends = OPENS, CLOSES
    else:
        holder = day.operators[task.operator]
        begins, ends = holder.begins, holder.ends
    first = max(begins, earliest)
    last = ends - day.profile.latest_first_call
    if due is not None and day.rng.chance(day.profile.called_before_due):
        last = min(last, due - 20 * MINUTE)
    last = max(first, last)
    hours = [
        (hour, weight)
        for hour, weight in day.profile.rhythm
        if first // HOUR <= hour <= last // HOUR
    ]
    if hours:
        begins = day.rng.weighted(hours) * HOUR
        first, last = max(first, begins), min(last, begins + HOUR - 1)
    return day.rng.whole(first, last)


def take_up(day: SimulatedDay, _at: int, task: Task, due: int | None) -> None:
    """Work on a contact that an earlier day has put off to this one."""
    day.tasks.append(task)
    task.state = "open"
    task.undecided = 0
    day.draw_conversation(task)
    day.enqueue(task, first_call(day, task, OPENS, due))


def _due_at(day: SimulatedDay, days: int, due: int) -> str:
    last = day.plan.last
    if last and day.plan.date + timedelta(days=days) == last.date:
        return last.clock.next_minute(due).isoformat()
    if days:
        return day.clock.real_time(days, due)
    return day.clock.next_minute(due).isoformat()


def _day_in_words(on: date, ahead: int) -> str:
    """«в среду» for a date up to six days ahead, otherwise «3 декабря»."""
    if ahead < 7:
        return WEEKDAYS[on.weekday()]
    return f"{on.day} {MONTHS[on.month - 1]}"
