"""From the set of a task's events to its contacts (the rules of docs/report.md)."""

from collections.abc import Iterable
from typing import Final, NamedTuple, assert_never

from projector.fold.calendar import Calendar
from projector.fold.draft import (
    DROP_CLOSED,
    DROPPED,
    OPEN,
    ORDERED,
    PLANNED,
    POSTPONED,
    REFUSED,
    Call,
    Draft,
    id_of,
)
from projector.fold.facts import Called, Delivered, Fact, Failed, Planned, Postponed
from projector.fold.hours import Moments, moments

_RESOLUTIONS: Final = {
    "no_contact": "no_contact",
    "refused": REFUSED,
    "address_drop": DROPPED,
    "address_closed": DROP_CLOSED,
}


class Contact(NamedTuple):
    """One planned call about one address on one contact date; operators, managers, … by id."""

    contact_no: int
    """1 for the task's first contact."""
    contact_date: str
    plan_date: str | None
    due: int | None
    deadline: int
    """Minute since 1970 from which on it is overdue, if still open."""
    operator: str | None
    manager: str | None
    client: str
    address: str
    origin: str | None
    kind: str
    status: str
    is_delivered: bool
    was_dropped: bool
    orders: tuple[tuple[str, str | None], ...]
    calls: tuple[tuple[str | None, int], ...]
    """(caller, number of calls)."""
    refusals: tuple[tuple[str | None, int], ...]
    postponements: int
    postpone_comment: str | None
    comment: str | None
    last_call_at: str | None
    moments: Moments = ()
    """When its calls, refusals and outcome were; a row does not hold them."""


def fold_order(facts: Iterable[Fact]) -> list[Fact]:
    """The facts by time, kind, source and id, but the earliest plan first of all."""
    ordered = sorted(facts)  # a list that is in order already costs one pass
    for index, fact in enumerate(ordered):
        if type(fact) is Planned:
            if index:
                ordered.insert(0, ordered.pop(index))
            break
    return ordered


class History:
    """A task's facts as they were folded so far; a fact that comes after them all is cheap.

    What it gives is the same whether facts were appended or folded at once: only a fact that is
    the greatest may be appended, and `fold_order` puts that one last.
    """

    __slots__ = ("_calendar", "_drafts", "_last", "_latest")

    def __init__(self, facts: Iterable[Fact], calendar: Calendar) -> None:
        ordered = fold_order(facts)
        self._calendar = calendar
        self._drafts: list[Draft] = []
        self._latest: Planned
        self._last = max(ordered, default=None)
        if ordered and type(ordered[0]) is Planned:
            first = self._latest = ordered[0]
            self._drafts.append(_opened(PLANNED, first))
            for fact in ordered[1:]:
                self._step(fact)

    def append(self, fact: Fact) -> bool:
        """Fold one more fact, if it comes after all others; False if all must be folded anew."""
        if not self._drafts or self._last is None or fact < self._last:
            return False
        self._last = fact
        self._step(fact)
        return True

    def _step(self, fact: Fact) -> None:
        match fact:
            case Planned():
                self._latest = fact
                _plan(self._drafts, fact, self._calendar)
            case Called():
                _call(self._drafts, fact, self._calendar.local_hour(fact.seconds))
            case Postponed():
                _postpone(self._drafts, fact, self._calendar.local_hour(fact.seconds))
            case Failed():
                _fail(self._drafts[-1], fact, self._calendar.local_hour(fact.seconds))
            case Delivered():
                _deliver(self._drafts, fact, self._calendar.local_hour(fact.seconds))
            case _:
                assert_never(fact)

    def contacts(self) -> list[Contact]:
        """The contacts, oldest first; none while no planned event is among the facts."""
        return [
            _contact(no, draft, self._latest, self._calendar)
            for no, draft in enumerate(self._drafts, 1)
        ]


def contacts(facts: Iterable[Fact], calendar: Calendar) -> list[Contact]:
    """The contacts of one task, oldest first; none while no planned event is among its facts.

    A pure function of the SET of facts: their order does not matter. Each identity must be
    given once (see `projector.fold.task.Task.add`).
    """
    return History(facts, calendar).contacts()


def _opened(kind: str, plan: Planned) -> Draft:
    return Draft(
        kind,
        plan.contact_date,
        id_of(plan.operator),
        id_of(plan.manager),
        plan.plan_date,
        plan.due,
    )


def _plan(drafts: list[Draft], plan: Planned, calendar: Calendar) -> None:
    current = drafts[-1]
    status = current.status
    if plan.contact_date == current.date:
        current.take(plan)
        if status not in (OPEN, ORDERED):  # returned to work
            current.resolution = OPEN
            current.kind = PLANNED
        return
    untouched = status == OPEN and not current.calls and not current.was_dropped
    if untouched and _deadline(current, calendar) * 60 > plan.seconds:
        current.date = plan.contact_date
        current.kind = PLANNED
        current.take(plan)
        return
    if status in (OPEN, DROPPED, ORDERED):
        current.resolve(POSTPONED, calendar.local_hour(plan.seconds))
    drafts.append(_opened(PLANNED, plan))


def _call(drafts: list[Draft], call: Called, hour: int) -> None:
    for draft in drafts:
        known = draft.calls.get(call.call_id)
        if known:
            known.correct(call)
            return
    current = drafts[-1]
    current.calls[call.call_id] = Call(call, current.operator, hour)


def _postpone(drafts: list[Draft], event: Postponed, hour: int) -> None:
    current = drafts[-1]
    current.postponements += 1
    current.postpone_comment = event.comment
    operator = event.operator[0] if event.operator else current.operator
    if event.contact_date == current.date:
        current.kind = POSTPONED
        current.resolution = OPEN
        current.due = event.due
        current.operator = operator
        if event.plan_date:
            current.plan_date = event.plan_date
        return
    current.resolve(POSTPONED, hour)
    opened = Draft(
        POSTPONED, event.contact_date, operator, current.manager, event.plan_date, event.due
    )
    opened.postpone_comment = event.comment
    drafts.append(opened)


def _fail(current: Draft, event: Failed, hour: int) -> None:
    current.resolve(_RESOLUTIONS[event.reason], hour)
    current.comment = event.comment
    if event.reason == "refused":
        current.refused_failures.append((event.call_id, current.operator, hour))
    elif event.reason != "no_contact":
        current.was_dropped = True


def _deliver(drafts: list[Draft], event: Delivered, hour: int) -> None:
    for draft in reversed(drafts):
        if draft.holds(event.order_id):
            draft.delivered.setdefault(event.order_id, hour)
            return
    drafts[-1].delivered[event.order_id] = hour


def _contact(no: int, draft: Draft, latest: Planned, calendar: Calendar) -> Contact:
    calls: dict[str | None, int] = {}
    last: Call | None = None  # calls come in fold order
    is_refused = False
    for call in draft.calls.values():
        calls[call.operator] = calls.get(call.operator, 0) + 1
        is_refused = is_refused or call.refused
        last = call
    orders = draft.orders()
    refused = draft.refusals() if is_refused or draft.refused_failures else []
    refusals: dict[str | None, int] = {}
    for operator, _ in refused:
        refusals[operator] = refusals.get(operator, 0) + 1
    return Contact(
        no,
        draft.date,
        draft.plan_date,
        draft.due,
        _deadline(draft, calendar),
        draft.operator,
        draft.manager,
        latest.client[0],
        latest.address[0],
        latest.origin,
        draft.kind,
        ORDERED if orders else draft.resolution,
        bool(draft.delivered),
        draft.was_dropped,
        orders,
        tuple(calls.items()),
        tuple(refusals.items()),
        draft.postponements,
        draft.postpone_comment,
        draft.comment,
        last.time if last else None,
        moments(draft, refused, calendar.midnight(draft.date)),
    )


def _deadline(draft: Draft, calendar: Calendar) -> int:
    return draft.due if draft.due is not None else calendar.deadline(draft.date)
