"""The one builder of CloudEvents, and shorthands for it: `called("T1", "ordered", at="10:00")`."""

import itertools
from typing import Any

Event = dict[str, Any]

DAY = "2026-11-24"
NOON = f"{DAY}T12:00:00+03:00"

_numbers = itertools.count(1)


def cloud_event(
    kind: str, task: str, time: str, data: dict[str, Any], /, **attributes: object
) -> Event:
    """A structured CloudEvent of type `task-KIND.v1`, with an id of its own.

    `attributes` come on top: they add to the attributes, or replace any of them.
    """
    return {
        "specversion": "1.0",
        "id": f"e{next(_numbers)}",
        "source": "/tests",
        "type": f"task-{kind}.v1",
        "subject": task,
        "time": time,
        "data": data,
        **attributes,
    }


def event(kind: str, task: str, at: str, data: dict[str, Any], day: str = DAY) -> Event:
    """An event of that time of the day in Moscow."""
    time = f"{day}T{at}:00+03:00"
    return cloud_event(kind, task, time, data, datacontenttype="application/json")


def named(kind: str, id_: str | None, name: str | None = None) -> dict[str, str] | None:
    return None if id_ is None else {"id": id_, "name": name or f"{kind} {id_}"}


def planned(
    task: str,
    *,
    operator: str | None = "op-1",
    manager: str | None = "mgr-1",
    date: str = DAY,
    at: str = "08:00",
    client: str = "c-1",
    address: str = "a-1",
    operator_name: str | None = None,
    client_name: str | None = None,
    address_text: str | None = None,
    **more: Any,
) -> Event:
    data = {
        "operator": named("Оператор", operator, operator_name),
        "manager": named("Менеджер", manager),
        "client": {"id": client, "name": client_name or f"Клиент {client}"},
        "address": {"id": address, "text": address_text or f"Адрес {address}"},
        "contact_date": date,
        **more,
    }
    return event("planned", task, at, data)


def called(
    task: str,
    outcome: str = "no_answer",
    *,
    at: str = "10:00",
    operator: str | None = None,
    call_id: str | None = None,
    order: str | None = None,
) -> Event:
    data: dict[str, Any] = {
        "call_id": call_id or f"call-{next(_numbers)}",
        "outcome": outcome,
        "operator": named("Оператор", operator),
    }
    if outcome == "ordered":
        order = order or f"o-{next(_numbers)}"
        data["order"] = {"id": order, "number": order}
    return event("called", task, at, data)


def postponed(task: str, date: str, *, at: str = "11:00", comment: str = "", **more: Any) -> Event:
    return event("postponed", task, at, {"contact_date": date, "comment": comment, **more})


def failed(task: str, reason: str, *, at: str = "12:00", **more: Any) -> Event:
    return event("failed", task, at, {"reason": reason, **more})


def delivered(task: str, order: str, *, at: str = "18:00") -> Event:
    return event("delivered", task, at, {"order_id": order, "delivered_at": f"{DAY}T{at}:00+03:00"})
