"""A contact while its task is being folded, and its calls."""

from typing import Final

from projector.fold.facts import Called, Pair, Planned

OPEN: Final = "open"
ORDERED: Final = "ordered"
POSTPONED: Final = "postponed"
DROPPED: Final = "dropped"
DROP_CLOSED: Final = "drop_closed"
PLANNED: Final = "planned"
REFUSED: Final = "refused"


class Call:
    """A call as its latest correction left it."""

    __slots__ = ("hour", "operator", "order", "refused", "time")

    operator: str | None

    def __init__(self, call: Called, holder: str | None, hour: int) -> None:
        """`hour` is `Calendar.local_hour` of the call's time, which no correction changes."""
        self.time = call.time
        self.hour = hour
        self.operator = call.operator[0] if call.operator else holder
        self.order = call.order
        self.refused = call.outcome == REFUSED

    def correct(self, call: Called) -> None:
        if call.operator:
            self.operator = call.operator[0]
        self.order = call.order
        self.refused = call.outcome == REFUSED


class Draft:
    """A contact while its task is being folded. Hours are those of `Calendar.local_hour`."""

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
        "resolved_hour",
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
        self.resolved_hour = 0
        """Hour of the event that gave the resolution, if that is not `OPEN`."""
        self.was_dropped = False
        self.calls: dict[str, Call] = {}
        self.delivered: dict[str, int] = {}
        """Order id → hour of its first delivery; the earliest one is first."""
        self.refused_failures: list[tuple[str | None, str | None, int]] = []
        """(call id, holder, hour)."""
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

    def resolve(self, resolution: str, hour: int) -> None:
        self.resolution = resolution
        self.resolved_hour = hour

    def holds(self, order_id: str) -> bool:
        return order_id in self.delivered or any(
            call.order and call.order[0] == order_id for call in self.calls.values()
        )

    def take(self, plan: Planned) -> None:
        self.operator = id_of(plan.operator)
        self.manager = id_of(plan.manager)
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

    def refusals(self) -> list[tuple[str | None, int]]:
        """(operator, hour) of each refused call, then of the refused failures that are none of them."""
        found: list[tuple[str | None, int]] = []
        told: set[str] = set()
        for call_id, call in self.calls.items():
            if call.refused:
                told.add(call_id)
                found.append((call.operator, call.hour))
        has_refused_call = bool(told)
        for told_id, operator, hour in self.refused_failures:
            if told_id is None:
                if has_refused_call:
                    continue
            elif told_id in told:
                continue
            else:
                told.add(told_id)
            found.append((operator, hour))
        return found


def id_of(pair: Pair | None) -> str | None:
    return pair[0] if pair else None
