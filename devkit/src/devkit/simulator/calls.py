"""How the operators work through the day: which contact they call next, and how the call goes."""

from devkit.simulator.actors import Operator, Task
from devkit.simulator.clock import HOUR
from devkit.simulator.outcomes import (
    close_address,
    correct_call,
    drop_address,
    give_up,
    postpone,
    postpone_within_the_day,
    refuse,
    take_order,
)
from devkit.simulator.profile import MINUTE
from devkit.simulator.simulated_day import SimulatedDay


def work(day: SimulatedDay, at: int, one: Operator) -> None:
    """The operator is free: eats, calls or waits."""
    if at >= one.ends:
        return
    if not one.has_eaten and at >= one.lunch:
        one.has_eaten = True
        day.schedule(at + one.lunch_s, work, one)
        return
    task = _take_next(day, at, one)
    if task is None:
        ready = one.queue.next_ready()
        if ready is None:
            ready = at + 5 * MINUTE
        day.schedule(min(max(ready, at + 30), at + 5 * MINUTE), work, one)
        return
    over = _call(day, at, one, task)
    pause = day.rng.whole(*day.profile.between_calls_s)
    pause = round(pause * (1 - day.profile.pace_by_skill * one.skill))
    day.schedule(over + pause, work, one)


def _take_next(day: SimulatedDay, at: int, one: Operator) -> Task | None:
    """The contact to call now: the operator's own, now and then one that nobody holds."""
    own, unassigned = one.queue.next_ready(), day.unassigned.next_ready()
    has_own = own is not None and own <= at
    if unassigned is not None and unassigned <= at:
        share = (
            day.profile.unassigned_called_first
            if has_own
            else day.profile.unassigned_called_when_idle
        )
        if day.rng.chance(share):
            return day.unassigned.pop()
    return one.queue.pop() if has_own else None


def _call(day: SimulatedDay, at: int, one: Operator, task: Task) -> int:
    """Call; returns when the operator hangs up."""
    if task.left > 0 and not task.is_again:
        return _call_in_vain(day, at, one, task)
    over = at + task.sample.duration_s
    if task.sample.is_success or task.is_again:
        take_order(day, at, task, one.party)
    else:
        _talk(day, at, one, task)
    return over


def _talk(day: SimulatedDay, at: int, one: Operator, task: Task) -> None:
    """A talk with the client that decides something other than an order."""
    rng = day.rng
    duration = task.sample.duration_s
    over = at + duration
    became = rng.weighted(day.profile.talk_results[duration <= day.profile.short_talk_s])
    outcome = "refused" if became in ("refused", "refused, no failure reported") else "answered"
    call = day.writer.called(at, task, one.party, outcome, duration)
    after = over + rng.whole(5, 60)
    match became:
        case "refused":
            day.schedule(after, refuse, task, call["call_id"])
        case "refused, no failure reported":
            task.settle("closed" if task.state == "open" else task.state)
            if rng.chance(day.profile.refusal_reported_later):
                day.schedule(over + rng.whole(30, 150) * MINUTE, refuse, task, None)
        case "refused without a call":
            task.settle(task.state)
            is_incoming = rng.chance(day.profile.refusal_by_incoming_call)
            call_id = f"{task.id}-in" if is_incoming else None
            day.schedule(over + rng.whole(2, 60) * MINUTE, refuse, task, call_id)
        case "postponed within the day" if over < 17 * HOUR + 30 * MINUTE:
            day.schedule(after, postpone_within_the_day, task)
        case "postponed to another day" | "postponed within the day":
            day.schedule(after, postpone, task)
        case "address dropped":
            day.schedule(after, drop_address, task)
        case "address closed":
            day.schedule(after, close_address, task)
        case _:
            task.undecided += 1
            if task.undecided < 2:
                day.draw_conversation(task, most_before=1)
                day.enqueue(task, over + rng.whole(60, 180) * MINUTE)


def _call_in_vain(day: SimulatedDay, at: int, one: Operator, task: Task) -> int:
    """A call that nobody answers, or that decides nothing; returns when it is over."""
    rng = day.rng
    task.left -= 1
    outcome = rng.weighted(day.profile.outcomes_before_the_last)
    duration = rng.whole(*day.profile.ringing_s[outcome])
    over = at + duration
    call = day.writer.called(at, task, one.party, outcome, duration)
    if outcome == "no_answer" and rng.chance(day.profile.wrong_outcome):
        corrected = {**call, "outcome": "answered"}
        day.schedule(over + rng.whole(1, 10) * MINUTE, correct_call, task, corrected)
    task.unanswered += outcome != "answered"
    if task.unanswered >= task.patience:
        day.schedule(over + rng.whole(10, 90), give_up, task)
    else:
        day.enqueue(task, over + rng.whole(*day.profile.call_again_minutes) * MINUTE)
    return over
