"""From the set of a task's events to its contacts (the rules of docs/report.md)."""

from collections.abc import Iterable
from typing import Final, NamedTuple, assert_never

from projector.fold.calendar import Calendar
from projector.fold.facts import Called, Delivered, Fact, Failed, Pair, Planned, Postponed

OPEN: Final = "open"
ORDERED: Final = "ordered"
POSTPONED: Final = "postponed"
DROPPED: Final = "dropped"
DROP_CLOSED: Final = "drop_closed"
PLANNED: Final = "planned"
REFUSED: Final = "refused"

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


class _Call:
    """A call as its latest correction left it."""

    __slots__ = ("operator", "order", "refused", "time")

    operator: str | None

    def __init__(self, call: Called, holder: str | None) -> None:
        self.time = call.time
        self.operator = call.operator[0] if call.operator else holder
        self.order = call.order
        self.refused = call.outcome == REFUSED

    def correct(self, call: Called) -> None:
        if call.operator:
            self.operator = call.operator[0]
        self.order = call.order
        self.refused = call.outcome == REFUSED


class _Draft:
    """A contact while its task is being folded."""

    __slots__ = (
        "calls",
        "comment",
        "date",
        "delivered",
        "due",
        "kind",
        "manager",
        "operator",
        "plan_date",
        "postpone_comment",
        "postponements",
        "refused_failures",
        "resolution",
        "was_dropped",
    )

    def __init__(
        self,
        kind: str,
        date: str,
        operator: str | None,
        manager: str | None,
        plan_date: str | None,
        due: int | None,
    ) -> None:
        self.kind = kind
        self.date = date
        self.operator = operator
        self.manager = manager
        self.plan_date = plan_date
        self.due = due
        self.resolution = OPEN
        self.was_dropped = False
        self.calls: dict[str, _Call] = {}
        self.delivered: dict[str, None] = {}
        self.refused_failures: list[tuple[str | None, str | None]] = []
        self.postponements = 0
        self.postpone_comment: str | None = None
        self.comment: str | None = None

    @property
    def status(self) -> str:
        if self.delivered:
            return ORDERED
        for call in self.calls.values():
            if call.order:
                return ORDERED
        return self.resolution

    def holds(self, order_id: str) -> bool:
        return order_id in self.delivered or any(
            call.order and call.order[0] == order_id for call in self.calls.values()
        )

    def take(self, plan: Planned) -> None:
        self.operator = _id(plan.operator)
        self.manager = _id(plan.manager)
        self.plan_date = plan.plan_date
        self.due = plan.due

    def orders(self) -> tuple[tuple[str, str | None], ...]:
        orders: dict[str, str | None] = {}
        for call in self.calls.values():
            if call.order:
                orders[call.order[0]] = call.order[1]
        for order_id in self.delivered:
            orders.setdefault(order_id, None)
        return tuple(orders.items())

    def refusals(self) -> dict[str | None, int]:
        """Refusals by operator: refused calls, then the refused failures that are none of them."""
        counts: dict[str | None, int] = {}
        told: set[str] = set()
        for call_id, call in self.calls.items():
            if call.refused:
                told.add(call_id)
                counts[call.operator] = counts.get(call.operator, 0) + 1
        has_refused_call = bool(told)
        for told_id, operator in self.refused_failures:
            if told_id is None:
                if has_refused_call:
                    continue
            elif told_id in told:
                continue
            else:
                told.add(told_id)
            counts[operator] = counts.get(operator, 0) + 1
        return counts


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
        self._drafts: list[_Draft] = []
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
                _call(self._drafts, fact)
            case Postponed():
                _postpone(self._drafts, fact)
            case Failed():
                _fail(self._drafts[-1], fact)
            case Delivered():
                _deliver(self._drafts, fact)
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


def _opened(kind: str, plan: Planned) -> _Draft:
    return _Draft(
        kind,
        plan.contact_date,
        _id(plan.operator),
        _id(plan.manager),
        plan.plan_date,
        plan.due,
    )


def _plan(drafts: list[_Draft], plan: Planned, calendar: Calendar) -> None:
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
        current.resolution = POSTPONED
    drafts.append(_opened(PLANNED, plan))


def _call(drafts: list[_Draft], call: Called) -> None:
    for draft in drafts:
        known = draft.calls.get(call.call_id)
        if known:
            known.correct(call)
            return
    current = drafts[-1]
    current.calls[call.call_id] = _Call(call, current.operator)


def _postpone(drafts: list[_Draft], event: Postponed) -> None:
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
    current.resolution = POSTPONED
    opened = _Draft(
        POSTPONED, event.contact_date, operator, current.manager, event.plan_date, event.due
    )
    opened.postpone_comment = event.comment
    drafts.append(opened)


def _fail(current: _Draft, event: Failed) -> None:
    current.resolution = _RESOLUTIONS[event.reason]
    current.comment = event.comment
    if event.reason == "refused":
        current.refused_failures.append((event.call_id, current.operator))
    elif event.reason != "no_contact":
        current.was_dropped = True


def _deliver(drafts: list[_Draft], event: Delivered) -> None:
    for draft in reversed(drafts):
        if draft.holds(event.order_id):
            draft.delivered[event.order_id] = None
            return
    drafts[-1].delivered[event.order_id] = None


def _contact(no: int, draft: _Draft, latest: Planned, calendar: Calendar) -> Contact:
    calls: dict[str | None, int] = {}
    last: _Call | None = None  # calls come in fold order
    is_refused = False
    for call in draft.calls.values():
        calls[call.operator] = calls.get(call.operator, 0) + 1
        is_refused = is_refused or call.refused
        last = call
    orders = draft.orders()
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
        tuple(draft.refusals().items()) if is_refused or draft.refused_failures else (),
        draft.postponements,
        draft.postpone_comment,
        draft.comment,
        last.time if last else None,
    )


def _deadline(draft: _Draft, calendar: Calendar) -> int:
    return draft.due if draft.due is not None else calendar.deadline(draft.date)


def _id(pair: Pair | None) -> str | None:
    return pair[0] if pair else None
