"""Random valid histories for property tests of rows: tasks planned, called, postponed, failed, delivered."""

from typing import Any

from hypothesis import strategies as st

from support.events import event, named

DAYS = ("2026-11-22", "2026-11-23", "2026-11-24", "2026-11-25")
OPERATORS = (None, "op-1", "op-2", "op-3")
MANAGERS = (None, "mgr-1", "mgr-2")
PLAN_DATES = (None, "2026-11-25", "2026-11-26")

_operator = st.sampled_from(OPERATORS).map(lambda id_: named("Оператор", id_))
_manager = st.sampled_from(MANAGERS).map(lambda id_: named("Менеджер", id_))
_day = st.sampled_from(DAYS)
_plan_date = st.sampled_from(PLAN_DATES)
_number = st.integers(1, 3)


@st.composite
def _due_at(draw: st.DrawFn) -> str | None:
    if draw(st.booleans()):
        return None
    return f"{draw(_day)}T{draw(st.integers(8, 20)):02}:30:00+03:00"


@st.composite
def _step(draw: st.DrawFn, task: str) -> dict[str, Any]:
    at, day = f"{draw(st.integers(0, 23)):02}:{draw(st.integers(0, 59)):02}", draw(_day)
    match draw(st.integers(0, 9)):
        case 0 | 1 | 2 | 3:
            outcome = draw(st.sampled_from(["ordered", "answered", "no_answer", "refused"]))
            data: dict[str, Any] = {
                "call_id": f"{task}-call-{draw(_number)}",
                "outcome": outcome,
                "operator": draw(_operator),
            }
            if outcome == "ordered":
                number = f"{task}-order-{draw(_number)}"
                data["order"] = {"id": number, "number": number}
            return event("called", task, at, data, day)
        case 4 | 5:
            data = {
                "contact_date": draw(_day),
                "comment": draw(st.sampled_from(["", "позвонить позже"])),
                "plan_date": draw(_plan_date),
                "due_at": draw(_due_at()),
                "operator": draw(_operator),
            }
            return event("postponed", task, at, data, day)
        case 6 | 7:
            reasons = ["no_contact", "refused", "address_drop", "address_closed"]
            call = draw(st.none() | _number.map(lambda n: f"{task}-call-{n}"))
            data = {"reason": draw(st.sampled_from(reasons)), "call_id": call}
            return event("failed", task, at, data, day)
        case 8:
            data = {
                "order_id": f"{task}-order-{draw(_number)}",
                "delivered_at": f"{day}T{at}:00+03:00",
            }
            return event("delivered", task, at, data, day)
        case _:
            return draw(_plan(task))


@st.composite
def _plan(draw: st.DrawFn, task: str) -> dict[str, Any]:
    data = {
        "operator": draw(_operator),
        "manager": draw(_manager),
        "client": {"id": f"c-{draw(_number)}", "name": "ООО «Ромашка»"},
        "address": {"id": f"a-{draw(_number)}", "text": "ул. Баумана, 15"},
        "contact_date": draw(_day),
        "plan_date": draw(_plan_date),
        "due_at": draw(_due_at()),
    }
    return event("planned", task, "07:00", data, draw(_day))


@st.composite
def histories(draw: st.DrawFn, tasks: int = 8, steps: int = 6) -> list[dict[str, Any]]:
    events: list[dict[str, Any]] = []
    for number in range(draw(st.integers(1, tasks))):
        task = f"T{number}"
        events.append(draw(_plan(task)))
        events += [draw(_step(task)) for _ in range(draw(st.integers(0, steps)))]
    return events
