"""Lawful histories with everything that makes order matter: equal times, shared addresses and
names, corrections, orphans, and identities that come with two contents.
"""

from typing import Any

from hypothesis import strategies as st

from support.events import cloud_event

DAYS = ("2026-11-23", "2026-11-24", "2026-11-25")
TASKS = ("T1", "T2", "Т-три \"'\\")
OPERATORS = ("op-1", "op-2", 'op"3')

_times = st.sampled_from(
    [
        "2026-11-23T18:00:00+03:00",
        "2026-11-23T18:00:00.5+03:00",
        "2026-11-24T06:59:59.999999999Z",
        "2026-11-24T10:00:00+03:00",
        "2026-11-24T12:00:00+05:00",
        "2026-11-24T20:59:00Z",
        "2026-11-25T00:00:00+03:00",
        "2026-11-25T09:30:00+03:00",
    ]
)
_days = st.sampled_from(DAYS)
_names = st.sampled_from(["Иванова", "Петрова", "Ёлкина \U0001f4a7"])
_few = st.integers(1, 2)


def _party(prefix: str) -> st.SearchStrategy[dict[str, str]]:
    return st.builds(lambda n, name: {"id": f"{prefix}-{n}", "name": name}, _few, _names)


_operators = st.builds(
    lambda id_, name: {"id": id_, "name": name}, st.sampled_from(OPERATORS), _names
)
_maybe_operator = st.none() | _operators
_due = st.none() | st.builds(
    lambda day, hour: f"{day}T{hour:02}:30:59+03:00", _days, st.sampled_from([0, 11, 23])
)


def _without_absent(draw: st.DrawFn, data: dict[str, Any]) -> dict[str, Any]:
    """Leave out some of the null fields: null and absent must be read alike."""
    keeps = draw(st.booleans())
    return {name: value for name, value in data.items() if keeps or value is not None}


@st.composite
def _planned(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "operator": draw(_maybe_operator),
        "manager": draw(st.none() | _party("mgr")),
        "client": draw(_party("c")),
        "address": {"id": f"a-{draw(_few)}", "text": draw(_names)},
        "contact_date": draw(_days),
        "plan_date": draw(st.none() | _days),
        "due_at": draw(_due),
        "last_delivery_date": draw(st.none() | st.sampled_from(["2026-10-30", "2026-11-20"])),
        "origin": draw(st.none() | st.sampled_from(["manual", "forecast"])),
    }


@st.composite
def _called(draw: st.DrawFn) -> dict[str, Any]:
    outcome = draw(st.sampled_from(["ordered", "answered", "no_answer", "busy", "refused"]))
    data: dict[str, Any] = {"call_id": f"k{draw(st.integers(1, 3))}", "outcome": outcome}
    if outcome == "ordered":
        data["order"] = {"id": f"o{draw(_few)}", "number": str(draw(_few))}
    return {**data, "operator": draw(_maybe_operator), "duration_s": draw(st.none() | _few)}


@st.composite
def _postponed(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "contact_date": draw(_days),
        "comment": draw(st.sampled_from(["", "позже"])),
        "plan_date": draw(st.none() | _days),
        "due_at": draw(_due),
        "operator": draw(_maybe_operator),
    }


@st.composite
def _failed(draw: st.DrawFn) -> dict[str, Any]:
    reasons = ["no_contact", "refused", "refused", "address_drop", "address_closed"]
    return {
        "reason": draw(st.sampled_from(reasons)),
        "comment": draw(st.none() | st.just("дорого")),
        "call_id": draw(st.none() | st.builds("k{}".format, st.integers(1, 3))),
    }


@st.composite
def _delivered(draw: st.DrawFn) -> dict[str, Any]:
    return {"order_id": f"o{draw(_few)}", "delivered_at": draw(_times)}


_DATA = {
    "planned": _planned(),
    "called": _called(),
    "postponed": _postponed(),
    "failed": _failed(),
    "delivered": _delivered(),
}


@st.composite
def events(draw: st.DrawFn, kinds: tuple[str, ...] = tuple(_DATA)) -> dict[str, Any]:
    """One event; ids are few, so that identities repeat, with the same content and with another."""
    kind = draw(st.sampled_from(kinds))
    return cloud_event(
        kind,
        draw(st.sampled_from(TASKS)),
        draw(_times),
        _without_absent(draw, draw(_DATA[kind])),
        id=f"e{draw(st.integers(1, 40))}",
        source=draw(st.sampled_from(["/crm", "/телефония"])),
    )


@st.composite
def histories(draw: st.DrawFn, most: int = 24) -> list[dict[str, Any]]:
    """Events of a few tasks in any order; most of the tasks are planned."""
    plans = draw(st.lists(events(("planned",)), min_size=1, max_size=5))
    others = draw(st.lists(events(), max_size=most))
    return draw(st.permutations(plans + others))
