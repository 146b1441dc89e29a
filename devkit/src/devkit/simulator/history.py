"""What the days before have left for the simulated one."""

from datetime import timedelta

from devkit.simulator import probabilities
from devkit.simulator.actors import Task
from devkit.simulator.clock import DAY, HOUR
from devkit.simulator.event_writer import comments
from devkit.simulator.outcomes import close_address
from devkit.simulator.planning import first_call, plan_contact, postpone_contact
from devkit.simulator.probabilities import CLOSES, MINUTE, OPENS, QUARTER
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
    became = rng.weighted(probabilities.LEFT_OVER_BECAME)
    if became == "postponed":
        comment = rng.one_of(comments()["postponed_within_the_day"])
        date_then = (day.plan.date + timedelta(days=days)).isoformat()
        data = {"contact_date": date_then, "comment": comment}
        day.writer.postponed(at + MINUTE, task, data)
    elif became == "dropped":
        day.writer.failed(at + MINUTE, task, "address_drop")
        task.state = "dropped"
        if rng.chance(probabilities.LEFT_OVER_DROP_CLOSED):
            day.schedule(rng.whole(OPENS, 17 * HOUR), close_address, task)
        return
    if rng.chance(probabilities.LEFT_OVER_CALLED):
        # Called late: the call still belongs to the date it was made for.
        day.enqueue(task, rng.whole(10 * HOUR, 17 * HOUR))
    elif rng.chance(probabilities.LEFT_OVER_PLANNED_AGAIN / (1 - probabilities.LEFT_OVER_CALLED)):
        day.schedule(rng.whole(OPENS, 10 * HOUR), _plan_again_for_today, task)


def postpone_here(day: SimulatedDay, task: Task) -> None:
    """A contact of an earlier date that was postponed to this one."""
    rng = day.rng
    days = -rng.whole(1, 5)
    plan_contact(day, rng.whole(18 * HOUR, 19 * HOUR) + (days - 1) * DAY, task, days)
    opening = days * DAY + OPENS
    at = _call_then(day, task, days, "answered", task.sample.duration_s, not_before=opening)
    due = rng.whole(44, 76) * QUARTER if rng.chance(probabilities.POSTPONED_WITH_DUE) else None
    postpone_contact(day, at + rng.whole(5, 60), task, 0, due)
    day.draw_conversation(task)
    day.enqueue(task, first_call(day, task, OPENS, due))


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
