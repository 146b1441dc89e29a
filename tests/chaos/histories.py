"""Endless random valid histories of many tasks, shuffled, with some events sent twice."""

import random
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any
from zoneinfo import ZoneInfo

from chaos.independent import Event
from support.events import cloud_event

SHUFFLED = 2_000
"""Events among which the next one is drawn: how far out of order they come."""


SENT_TWICE = 0.03


ZONE = ZoneInfo("Europe/Moscow")


OPERATORS, MANAGERS, ADDRESSES = 40, 6, 5_000


def report_days() -> list[str]:
    """Returns the contact dates that a load started now is about, and one beyond."""
    today = datetime.now(ZONE).date()
    return [(today + timedelta(days=away)).isoformat() for away in range(-3, 5)]


def histories(seed: int, operators: int, managers: int) -> Iterator[Event]:
    """Yields events endlessly, task after task, each task's in order of time."""
    dice = random.Random(seed)
    today = datetime.now(ZONE).date()
    for number in count():
        yield from _history(dice, f"{seed}-{number}", today, operators, managers)


def _history(
    dice: random.Random, task: str, today: date, operators: int, managers: int
) -> Iterator[Event]:
    numbers = count()
    moment = datetime(today.year, today.month, today.day, 7, tzinfo=ZONE)
    moment += timedelta(days=dice.randint(-3, 0), seconds=dice.randrange(3_600))
    latest = moment.date()

    def event(kind: str, data: dict[str, Any]) -> Event:
        nonlocal moment
        moment += timedelta(milliseconds=dice.choice((0, 1_000, 1_500, 600_000, 3_000_000)))
        source = dice.choice(("/crm", "/телефония"))
        id_ = f"{task}-{next(numbers)}"
        return cloud_event(kind, task, moment.isoformat(), data, id=id_, source=source)

    def operator() -> dict[str, str] | None:
        number = dice.randrange(operators + 1)
        return {"id": f"op-{number}", "name": f"Оператор {number}"} if number else None

    def due(day: date) -> str | None:
        hour = dice.choice((None, None, 11, 16))
        return None if hour is None else f"{day}T{hour}:{dice.choice((10, 25, 40, 55))}:30+03:00"

    def planned() -> Event:
        nonlocal latest
        latest = moment.date() + timedelta(days=dice.choice((0, 0, 0, 1, 2)))
        manager, address = dice.randrange(managers), dice.randrange(ADDRESSES)
        data = {
            "client": {"id": f"c-{address}", "name": f"ООО Клиент {address}"},
            "address": {"id": f"a-{address}", "text": f"г. Казань, дом {address}"},
            "contact_date": latest.isoformat(),
            "operator": operator(),
            "manager": {"id": f"m-{manager}", "name": f"Менеджер {manager}"},
            "plan_date": (latest + timedelta(days=1)).isoformat(),
            "due_at": due(latest),
        }
        return event("planned", data)

    def called(call: int) -> Event:
        outcome = dice.choice(("ordered", "ordered", "answered", "no_answer", "busy", "refused"))
        data: dict[str, Any] = {"call_id": f"{task}-k{call}", "outcome": outcome}
        data["operator"] = dice.choice((None, operator()))
        if outcome == "ordered":
            data["order"] = {"id": f"{task}-o{call}", "number": str(call)}
        return event("called", data)

    def postponed() -> Event:
        nonlocal latest
        latest += timedelta(days=dice.choice((0, 0, 1)))
        data = {"contact_date": latest.isoformat(), "comment": "позже", "due_at": due(latest)}
        return event("postponed", {**data, "operator": dice.choice((None, operator()))})

    def failed() -> Event:
        reason = dice.choice(("no_contact", "refused", "address_drop", "address_closed"))
        call_id = dice.choice((None, f"{task}-k{dice.randrange(3)}"))
        return event("failed", {"reason": reason, "comment": "дорого", "call_id": call_id})

    def delivered() -> Event:
        order = f"{task}-o{dice.randrange(3)}"
        return event("delivered", {"order_id": order, "delivered_at": moment.isoformat()})

    if dice.random() > 0.01:  # otherwise the task is never planned
        yield planned()
    for call in range(dice.randint(0, 3)):
        yield called(call)
    for _ in range(dice.randint(0, 3)):
        kind = dice.choice((postponed, postponed, failed, delivered, planned))
        yield kind()
        if dice.random() < 0.3:  # possibly a correction
            yield called(dice.randrange(3))


def shuffled(events: Iterator[Event], dice: random.Random) -> Iterator[Event]:
    """Yields the events out of order, a few of them twice."""
    waiting: list[Event] = []
    for event in events:
        waiting.append(event)
        if dice.random() < SENT_TWICE:
            waiting.append(event)
        while len(waiting) > SHUFFLED:
            at = dice.randrange(len(waiting))
            waiting[at], waiting[-1] = waiting[-1], waiting[at]
            yield waiting.pop()
