"""A second computation of the report, from the rules alone: it uses nothing of the projector.

Slow and plain on purpose: all events at once, no batches, no state. What the projector leaves in
Redis after a fault is held against this, so that a mistake in its fold cannot hide in `verify`,
which uses the same fold.
"""

import json
import re
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import Any
from zoneinfo import ZoneInfo

Event = dict[str, Any]
Figures = dict[str, Any]

COUNTED = (
    *("planned", "calls", "refusals", "ordered", "orders", "delivered", "postponed"),
    *("no_contact", "refused", "dropped", "drop_closed"),
)
RANKS = {"task-planned.v1": 0, "task-called.v1": 1}


HOURS: tuple[str | int, ...] = ("before", *range(24), "after")
MEASURES = ("calls", "refusals", "ordered", "processed")


@dataclass
class Call:
    caller: str | None
    outcome: str
    order: str | None
    at: int
    """When it was first told of, in seconds since 1970."""


@dataclass
class Contact:
    day: str
    kind: str
    operator: str | None
    manager: str | None
    plan_date: str | None
    due: int | None
    """Minutes since 1970."""
    resolution: str | None = None
    resolved_at: int = 0
    was_dropped: bool = False
    calls: dict[str, Call] = field(default_factory=dict)
    deliveries: list[tuple[str, int]] = field(default_factory=list)
    """(order, when)."""
    refused_failures: list[tuple[str | None, str | None, int]] = field(default_factory=list)
    """(call id, who held the contact, when)."""

    def orders(self) -> set[str]:
        return {c.order for c in self.calls.values() if c.order} | {o for o, _ in self.deliveries}

    def resolve(self, resolution: str | None, at: int) -> None:
        self.resolution, self.resolved_at = resolution, at

    def status(self) -> str:
        return "ordered" if self.orders() else self.resolution or "open"

    def refusals(self) -> list[tuple[str | None, int]]:
        """The operator refused and when, once for each refusal."""
        refused = {id_: call for id_, call in self.calls.items() if call.outcome == "refused"}
        found = [(call.caller, call.at) for call in refused.values()]
        named: set[str] = set()
        for call_id, holder, at in self.refused_failures:
            if call_id is None:
                if not refused:
                    found.append((holder, at))
            elif call_id not in refused and call_id not in named:
                named.add(call_id)
                found.append((holder, at))
        return found

    def happened(self) -> list[tuple[str, str | None, int]]:
        """(measure of the course of a day, operator it counts for, when)."""
        found = [("calls", call.caller, call.at) for call in self.calls.values()]
        found += [("refusals", who, at) for who, at in self.refusals()]
        calls = [call.at for call in self.calls.values() if call.order]
        ordered = calls or [at for _, at in self.deliveries]
        if ordered:
            found.append(("ordered", self.operator, min(ordered)))
            found.append(("processed", self.operator, min(ordered)))
        elif self.status() not in ("open", "dropped"):
            found.append(("processed", self.operator, self.resolved_at))
        return found


class Rules:
    """The rules under one time zone and end of day."""

    def __init__(self, timezone: str = "Europe/Moscow", day_end: str = "24:00") -> None:
        self.zone = ZoneInfo(timezone)
        hour, minute = map(int, day_end.split(":"))
        self._day_end = timedelta(hours=hour, minutes=minute)
        self._ends: dict[str, int] = {}

    def deadline(self, contact: Contact) -> int:
        if contact.due is not None:
            return contact.due
        if contact.day not in self._ends:
            at = date.fromisoformat(contact.day)
            days, rest = divmod(int(self._day_end.total_seconds()), 24 * 3600)
            at += timedelta(days=days)
            clock = (rest // 3600, rest // 60 % 60)
            end = datetime(at.year, at.month, at.day, *clock, tzinfo=self.zone)
            self._ends[contact.day] = int(end.timestamp()) // 60
        return self._ends[contact.day]

    # --- from events to contacts ------------------------------------------------------------------

    def contacts(self, events: Iterable[Event]) -> list[Contact]:
        by_task: dict[str, dict[tuple[str, str], Event]] = defaultdict(dict)
        for event in events:
            known = by_task[event["subject"]]
            identity = (event["source"], event["id"])
            if identity not in known or known[identity] is event:
                known[identity] = event
            else:
                known[identity] = min(known[identity], event, key=_bytes)
        return [contact for task in by_task.values() for contact in self._task(task.values())]

    def _task(self, events: Iterable[Event]) -> list[Contact]:
        ordered = sorted(events, key=_place)
        plan = next((event for event in ordered if event["type"] == "task-planned.v1"), None)
        if plan is None:
            return []
        ordered.remove(plan)
        data = plan["data"]
        made = [self._opened(data, "planned")]
        for event in ordered:
            data, current = event["data"], made[-1]
            at = _instant(event["time"])[0]
            match event["type"]:
                case "task-called.v1":
                    _called(made, data, at)
                case "task-delivered.v1":
                    order = data["order_id"]
                    holders = [contact for contact in made if order in contact.orders()]
                    (holders or made)[-1].deliveries.append((order, at))
                case "task-failed.v1":
                    _failed(current, data, at)
                case "task-postponed.v1":
                    self._postponed(made, data, at)
                case "task-planned.v1":
                    self._planned_again(made, data, at)
        return made

    def _opened(self, data: Event, kind: str) -> Contact:
        return Contact(
            data["contact_date"],
            kind,
            _id(data, "operator"),
            _id(data, "manager"),
            data.get("plan_date"),
            _minute(data.get("due_at")),
        )

    def _postponed(self, made: list[Contact], data: Event, at: int) -> None:
        current = made[-1]
        if data["contact_date"] == current.day:
            current.kind, current.resolution = "postponed", None
            current.due = _minute(data.get("due_at"))
            current.plan_date = data.get("plan_date") or current.plan_date
            current.operator = _id(data, "operator") or current.operator
            return
        current.resolve("postponed", at)
        following = self._opened(data, "postponed")
        following.operator = following.operator or current.operator
        following.manager = current.manager
        made.append(following)

    def _planned_again(self, made: list[Contact], data: Event, seconds: int) -> None:
        current, planned = made[-1], self._opened(data, "planned")
        status = current.status()
        is_untouched = status == "open" and not current.calls and not current.was_dropped
        if planned.day != current.day and not (
            is_untouched and self.deadline(current) * 60 > seconds
        ):
            if status in ("open", "dropped", "ordered"):
                current.resolve("postponed", seconds)
            made.append(planned)
            return
        if planned.day != current.day:
            current.day, current.kind = planned.day, "planned"
        elif status not in ("open", "ordered"):
            current.resolution, current.kind = None, "planned"
        current.operator, current.manager = planned.operator, planned.manager
        current.plan_date, current.due = planned.plan_date, planned.due

    # --- from contacts to the report --------------------------------------------------------------

    def report(
        self,
        contacts: Iterable[Contact],
        day: str,
        now: datetime,
        *,
        manager_id: str | None = None,
        plan_date: str | None = None,
    ) -> dict[str, Figures]:
        """Operator id → figures, as the API gives them; only operators that count anything."""
        lines: dict[str | None, Figures] = defaultdict(_nothing)
        seconds = now.timestamp()
        for contact in contacts:
            if contact.day <= day and _is_chosen(contact, manager_id, plan_date):
                self._count(lines, contact, day, seconds)
        for line in lines.values():
            closed = ("ordered", "postponed", "no_contact", "refused", "drop_closed")
            line["order_percent"] = _percent(line["ordered"], line["planned"])
            line["processed_percent"] = _percent(
                sum(line[name] for name in closed), line["planned"]
            )
        return {who or "": line for who, line in lines.items() if _counts_anything(line)}

    def hours(
        self,
        contacts: Iterable[Contact],
        day: str,
        *,
        operator_id: str | None = None,
        manager_id: str | None = None,
        plan_date: str | None = None,
    ) -> list[Figures]:
        """The course of a day, as the API gives it: all 26 buckets, in order."""
        course: dict[Any, Figures] = {
            hour: {"hour": hour, **dict.fromkeys(MEASURES, 0)} for hour in HOURS
        }
        for contact in contacts:
            if contact.day != day or not _is_chosen(contact, manager_id, plan_date):
                continue
            for measure, operator, at in contact.happened():
                if operator_id is None or (operator or "") == operator_id:
                    course[self._hour(at, day)][measure] += 1
        return list(course.values())

    def _hour(self, at: int, day: str) -> str | int:
        local = datetime.fromtimestamp(at, self.zone)
        if local.date() < date.fromisoformat(day):
            return "before"
        return "after" if local.date() > date.fromisoformat(day) else local.hour

    def _count(
        self, lines: dict[str | None, Figures], contact: Contact, day: str, seconds: float
    ) -> None:
        status, line = contact.status(), lines[contact.operator]
        is_open = status in ("open", "dropped")
        is_overdue = is_open and self.deadline(contact) * 60 <= seconds
        if is_overdue or (is_open and contact.day == day):
            part = line["overdue" if is_overdue else "active"]
            part["dropped" if status == "dropped" else contact.kind] += 1
            part["total"] += 1
            if is_overdue and contact.day < day:
                part["carried"] += 1
        if contact.day != day:
            return
        line["planned"] += 1
        if status in ("ordered", "postponed", "no_contact", "refused", "drop_closed"):
            line[status] += 1
        line["orders"] += len(contact.orders())
        line["delivered"] += bool(contact.deliveries)
        line["dropped"] += contact.was_dropped
        for call in contact.calls.values():
            lines[call.caller]["calls"] += 1
        for who, _ in contact.refusals():
            lines[who]["refusals"] += 1


def _is_chosen(contact: Contact, manager_id: str | None, plan_date: str | None) -> bool:
    is_managed = manager_id in (None, contact.manager or "")
    return is_managed and plan_date in (None, contact.plan_date or "none")


def _called(made: list[Contact], data: Event, at: int) -> None:
    holder = next((c for c in made if data["call_id"] in c.calls), None)
    order = data["order"]["id"] if data.get("order") else None
    if holder is None:
        caller = _id(data, "operator") or made[-1].operator
        made[-1].calls[data["call_id"]] = Call(caller, data["outcome"], order, at)
        return
    call = holder.calls[data["call_id"]]
    call.caller = _id(data, "operator") or call.caller
    call.outcome, call.order = data["outcome"], order


def _failed(contact: Contact, data: Event, at: int) -> None:
    reason = data["reason"]
    statuses = {"address_drop": "dropped", "address_closed": "drop_closed"}
    contact.resolve(statuses.get(reason, reason), at)
    if reason.startswith("address_"):
        contact.was_dropped = True
    if reason == "refused":
        contact.refused_failures.append((data.get("call_id"), contact.operator, at))


def _nothing() -> Figures:
    standings = {"planned": 0, "postponed": 0, "dropped": 0, "total": 0}
    return {
        **dict.fromkeys(COUNTED, 0),
        "active": dict(standings),
        "overdue": {**standings, "carried": 0},
    }


def _counts_anything(line: Figures) -> bool:
    return any(line[name] for name in COUNTED) or line["active"]["total"] + line["overdue"]["total"]


def _percent(part: int, whole: int) -> float | None:
    if not whole:
        return None
    exact = Decimal(100 * part) / Decimal(whole)
    return float(exact.quantize(Decimal("0.1"), ROUND_HALF_UP))


def _bytes(event: Event) -> bytes:
    return json.dumps(event, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def _id(data: Event, name: str) -> str | None:
    return data[name]["id"] if data.get(name) else None


def _place(event: Event) -> tuple[Any, ...]:
    rank = RANKS.get(event["type"], 2)
    return (*_instant(event["time"]), rank, event["source"].encode(), event["id"].encode())


_TIME = re.compile(r"(.{19})(?:\.(\d+))?(Z|z|[+-]\d\d:\d\d)")


def _instant(text: str) -> tuple[int, str]:
    """Seconds since 1970 and the digits after them, which sort as text."""
    matched = _TIME.fullmatch(text)
    assert matched, text
    whole, fraction, offset = matched.groups()
    offset = "+00:00" if offset in "Zz" else offset
    moment = datetime.fromisoformat(whole + offset).astimezone(UTC)
    return int(moment.timestamp()), (fraction or "").rstrip("0")


def _minute(text: str | None) -> int | None:
    return _instant(text)[0] // 60 if text else None
