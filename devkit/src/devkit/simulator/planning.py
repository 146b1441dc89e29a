"""For which date and time a contact is planned, and to which it is postponed."""

from datetime import date, timedelta
from typing import Any, Final

from devkit.simulator import probabilities
from devkit.simulator.actors import Task
from devkit.simulator.event_writer import comments
from devkit.simulator.probabilities import CLOSES, MINUTE, OPENS
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
    delivered_in = day.rng.weighted(probabilities.DELIVERY_AFTER_DAYS)
    if delivered_in is None:
        data["plan_date"] = None
    else:
        data["plan_date"] = (on + timedelta(days=delivered_in)).isoformat()
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
        data["plan_date"] = (
            (on + timedelta(days=1)).isoformat()
            if rng.chance(probabilities.POSTPONED_WITH_PLAN_DATE)
            else None
        )
    if due is not None:
        data["due_at"] = _due_at(day, days, due)
    if rng.chance(probabilities.POSTPONED_TO_ANOTHER_OPERATOR):
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
    data["comment"] = "" if rng.chance(probabilities.WITHOUT_COMMENT) else comment
    day.writer.postponed(at, task, data)


def first_call(day: SimulatedDay, task: Task, earliest: int, due: int | None) -> int:
    """The second for which the contact's first call is meant."""
    if task.operator is None:
        begins, ends = OPENS, CLOSES
    else:
        holder = day.operators[task.operator]
        begins, ends = holder.begins, holder.ends
    first = max(begins, earliest)
    last = ends - probabilities.LATEST_FIRST_CALL
    if due is not None and day.rng.chance(probabilities.CALLED_BEFORE_DUE):
        last = min(last, due - 20 * MINUTE)
    return day.rng.whole(first, max(first, last))


def _due_at(day: SimulatedDay, days: int, due: int) -> str:
    if days:
        return day.clock.real_time(days, due)
    return day.clock.next_minute(due).isoformat()


def _day_in_words(on: date, ahead: int) -> str:
    """«в среду» for a date up to six days ahead, otherwise «3 декабря»."""
    if ahead < 7:
        return WEEKDAYS[on.weekday()]
    return f"{on.day} {MONTHS[on.month - 1]}"
