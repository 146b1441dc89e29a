"""What becomes of a contact after a call: an order, a failure, a postponement, a delivery."""

from typing import Any

from devkit.simulator.actors import Task
from devkit.simulator.clock import DAY, HOUR
from devkit.simulator.conversation import Conversation
from devkit.simulator.planning import (
    TAKEN_UP_AT,
    plan_contact,
    postpone_contact,
    take_up,
)
from devkit.simulator.profile import MINUTE, OPENS, QUARTER
from devkit.simulator.simulated_day import SimulatedDay


def take_order(day: SimulatedDay, at: int, task: Task, caller: dict[str, str]) -> None:
    """A call in which the client orders, and what follows from it."""
    rng = day.rng
    duration = task.sample.duration_s
    over = at + duration
    task.is_again = False
    task.settle("ordered")
    task.orders += 1
    day.orders += 1
    order = {
        "id": f"{task.id}-o{day.orders}",
        "number": f"{day.plan.date:%m%d}-{day.orders:05}",
    }
    call = day.writer.called(at, task, caller, "ordered", duration, order)
    if rng.chance(day.profile.taken_back):
        day.schedule(over + rng.whole(20, 150) * MINUTE, take_back_order, task, call)
        return
    if over < 15 * HOUR and rng.chance(day.profile.same_day_delivery):
        delivered = over + rng.whole(90, 300) * MINUTE
        days = 0
    else:
        days = _days_to_delivery(day, task)
        delivered = rng.whole(OPENS, 19 * HOUR)
    if rng.chance(day.profile.delivered):
        if days == 0 or (day.is_last and days == 1):
            day.schedule(days * DAY + delivered, deliver, task, order["id"])
        else:
            day.carry(days, delivered, deliver, task, order["id"])
    if task.orders == 1 and rng.chance(day.profile.second_order):
        task.is_again = True
        day.enqueue(task, over + rng.whole(30, 120) * MINUTE)


def _days_to_delivery(day: SimulatedDay, task: Task) -> int:
    if not day.profile.delivers_on_plan_date or task.delivery is None:
        return 1
    return max(1, (task.delivery - day.plan.date).days)


def take_back_order(day: SimulatedDay, at: int, task: Task, call: dict[str, Any]) -> None:
    """The client takes the order back: a correction of its call."""
    rng = day.rng
    outcome = rng.weighted(day.profile.taken_back_as)
    corrected = {key: value for key, value in call.items() if key != "order"}
    corrected["outcome"] = outcome
    if rng.chance(0.5):
        corrected["operator"] = None
    day.writer.corrected(at, task, corrected)
    task.orders -= 1
    if task.orders:
        return
    task.settle("open")
    if outcome == "refused":
        day.schedule(at + MINUTE, refuse, task, call["call_id"])
    elif rng.chance(day.profile.called_after_taking_back):
        day.draw_conversation(task, most_before=1)
        day.enqueue(task, at + rng.whole(30, 90) * MINUTE)


def correct_call(day: SimulatedDay, at: int, task: Task, call: dict[str, Any]) -> None:
    """The call is reported once more, with other data."""
    day.writer.corrected(at, task, call)


def deliver(day: SimulatedDay, at: int, task: Task, order_id: str) -> None:
    """A driver reports an order that was delivered some minutes ago."""
    day.writer.delivered(at, task, order_id, at - day.rng.whole(1, 10) * MINUTE)


def give_up(day: SimulatedDay, at: int, task: Task) -> None:
    """Nobody answered often enough: the contact fails."""
    if task.state not in ("open", "dropped"):
        return
    day.writer.failed(at, task, "no_contact", n=task.unanswered)
    task.settle("closed")
    if day.rng.chance(day.profile.returned_after_no_contact):
        back = at + day.rng.whole(30, 120) * MINUTE
        if back < 18 * HOUR:
            day.schedule(back, return_to_work, task)


def refuse(day: SimulatedDay, at: int, task: Task, call_id: str | None) -> None:
    """The client refuses, in the call of this id or without one."""
    if task.state == "ordered":
        return
    comment = "refused" if call_id else "refused_without_a_call"
    day.writer.failed(at, task, "refused", comment, call_id=call_id)
    task.settle("closed")
    if day.rng.chance(day.profile.tried_again_after_refusal):
        day.schedule(at + day.rng.whole(20, 90) * MINUTE, plan_contact, task, 30)


def postpone(day: SimulatedDay, at: int, task: Task) -> None:
    """The client wants to be called on another day."""
    if task.state not in ("open", "dropped"):
        return
    rng = day.rng
    days = rng.weighted(day.profile.postponed_by_days)
    due = rng.whole(40, 76) * QUARTER if rng.chance(day.profile.postponed_with_due) else None
    postpone_contact(day, at, task, days, due)
    task.settle("closed")
    day.carry_contact(days, TAKEN_UP_AT, take_up, task, due)


def postpone_within_the_day(day: SimulatedDay, at: int, task: Task) -> None:
    """The client wants to be called later on the same day."""
    if task.state not in ("open", "dropped"):
        return
    rng = day.rng
    due = None
    if rng.chance(day.profile.postponed_within_with_due):
        due = min((at + rng.whole(40, 200) * MINUTE) // QUARTER * QUARTER, 78 * QUARTER)
    postpone_contact(day, at, task, 0, due)
    task.state = "open"
    day.draw_conversation(task, most_before=1)
    ready = at + rng.whole(50, 150) * MINUTE if due is None else due - rng.whole(-5, 25) * MINUTE
    day.enqueue(task, max(at + 10 * MINUTE, ready))


def drop_address(day: SimulatedDay, at: int, task: Task) -> None:
    """The address turns out to be lost, which is checked during the day."""
    if task.state not in ("open", "dropped"):
        return
    rng = day.rng
    day.writer.failed(at, task, "address_drop")
    task.settle("dropped")
    then = at + rng.whole(40, 240) * MINUTE
    match rng.weighted(day.profile.dropped_address_becomes):
        case "closed":
            day.schedule(then, close_address, task)
        case "back to work":
            day.schedule(then, return_to_work, task)
        case "ordered after all":
            task.sample = Conversation(1, rng.whole(100, 400), is_success=True)
            task.left = 0
            day.enqueue(task, then)
        case _:
            pass


def close_address(day: SimulatedDay, at: int, task: Task) -> None:
    """The address is closed for good."""
    if task.state in ("open", "dropped"):
        day.writer.failed(at, task, "address_closed")
        task.settle("closed")


def return_to_work(day: SimulatedDay, at: int, task: Task) -> None:
    """After a failure the task is planned again on the same date."""
    if task.state in ("closed", "dropped"):
        plan_contact(day, at, task, 0)
        task.settle("open")
        day.draw_conversation(task, most_before=1)
        day.enqueue(task, at + day.rng.whole(5, 60) * MINUTE)
