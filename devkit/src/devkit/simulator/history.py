"""What the days before have left for the simulated one."""

from datetime import timedelta

from devkit.simulator.actors import Task
from devkit.simulator.clock import DAY, HOUR
from devkit.simulator.event_writer import comments
from devkit.simulator.outcomes import close_address
from devkit.simulator.planning import first_call, plan_contact, postpone_contact
from devkit.simulator.profile import CLOSES, MINUTE, OPENS, QUARTER
from devkit.simulator.simulated_day import SimulatedDay


def leave_over(day: SimulatedDay, task: Task) -> None:
    """A contact of an earlier date that nobody has finished; it is overdue."""
    rng = day.rng
    days = -rng.whole(1, 4)
    plan_contact(day, rng.whole(18 * HOUR, 19 * HOUR) + (days - 1) * DAY, task, days)
    at = days * DAY + OPENS
    for _ in range(rng.whole(0, 3)):
        outcome = rng.weighted([("no_answer", 80), ("busy", 20)])
        at = _call_then(day, task, days, outcome, rng.whole(15, 40), not_before=at)
    at = max(at, days * DAY + 10 * HOUR)
    became = rng.weighted(day.profile.left_over_became)
    if became == "postponed":
        comment = rng.one_of(comments()["postponed_within_the_day"])
        date_then = (day.plan.date + timedelta(days=days)).isoformat()
        data = {"contact_date": date_then, "comment": comment}
        day.writer.postponed(at + MINUTE, task, data)
    elif became == "dropped":
        day.writer.failed(at + MINUTE, task, "address_drop")
        task.state = "dropped"
        if rng.chance(day.profile.left_over_drop_closed):
            day.schedule(rng.whole(OPENS, 17 * HOUR), close_address, task)
        return
    if rng.chance(day.profile.left_over_called):
        # Called late: the call still belongs to the date it was made for.
        day.enqueue(task, rng.whole(10 * HOUR, 17 * HOUR))
    elif rng.chance(day.profile.left_over_planned_again / (1 - day.profile.left_over_called)):
        day.schedule(rng.whole(OPENS, 10 * HOUR), _plan_again_for_today, task)


def postpone_here(day: SimulatedDay, task: Task) -> None:
    """A contact of an earlier date that was postponed to this one."""
    rng = day.rng
    days = -rng.whole(1, 5)
    plan_contact(day, rng.whole(18 * HOUR, 19 * HOUR) + (days - 1) * DAY, task, days)
    opening = days * DAY + OPENS
    at = _call_then(day, task, days, "answered", task.sample.duration_s, not_before=opening)
    due = rng.whole(44, 76) * QUARTER if rng.chance(day.profile.postponed_with_due) else None
    postpone_contact(day, at + rng.whole(5, 60), task, 0, due)
    day.draw_conversation(task)
    day.enqueue(task, first_call(day, task, OPENS, due))


def leave_for_later(day: SimulatedDay) -> None:
    """Once the day has been played: leave what is unfinished for the next morning."""
    for task in day.tasks:
        if task.state in ("open", "dropped"):
            morning = day.rng.whole(8 * HOUR + 30 * MINUTE, 10 * HOUR)
            day.carry(1, morning, _take_up_unfinished, task)


def _take_up_unfinished(day: SimulatedDay, at: int, task: Task) -> None:
    """A contact of an earlier date that is overdue: planned again, called late, closed, or left."""
    rng = day.rng
    day.tasks.append(task)
    if task.state == "dropped":
        if rng.chance(day.profile.unfinished_drop_closed):
            day.schedule(rng.whole(OPENS, 17 * HOUR), close_address, task)
        return
    match rng.weighted(day.profile.unfinished_becomes):
        case "planned again":
            _plan_again_for_today(day, at, task)
        case "called late":
            day.draw_conversation(task)
            day.enqueue(task, first_call(day, task, max(at, OPENS), None))
        case _:
            pass


def _call_then(
    day: SimulatedDay, task: Task, days: int, outcome: str, duration: int, not_before: int
) -> int:
    """Report a call of an earlier day if the operator still finds the time; returns its end."""
    assert task.operator is not None
    key = (task.operator, days)
    free = day.busy_until.get(key, days * DAY + OPENS + 10 * MINUTE)
    at = max(free, not_before) + day.rng.whole(MINUTE, 12 * MINUTE)
    if at + duration > days * DAY + CLOSES:
        return max(not_before, days * DAY + 19 * HOUR)
    day.busy_until[key] = at + duration
    day.writer.called(at, task, day.party(task.operator), outcome, duration)
    return at + duration


def _plan_again_for_today(day: SimulatedDay, at: int, task: Task) -> None:
    if task.state == "open":
        plan_contact(day, at, task, 0)
        day.draw_conversation(task)
        day.enqueue(task, first_call(day, task, at, None))
