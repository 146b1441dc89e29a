"""From contacts to what the report counts."""

from collections.abc import Iterable

from contracts.keys import Cell, OpenKey
from projector.fold.contacts import DROPPED, OPEN, Contact

Counters = tuple[int, ...]
"""One number for each of `contracts.keys.COUNTERS`, in their order."""

NOTHING: Counters = (0,) * 11

_AT = {"postponed": 6, "no_contact": 7, "refused": 8, "drop_closed": 10}


def cells(contacts: Iterable[Contact]) -> dict[tuple[str, Cell], Counters]:
    """The counters of the contacts by (contact date, cell).

    A call and a refusal go to the cell of the operator they count for, under their contact's
    date, manager and plan date; everything else to the operator who holds the contact.
    """
    sums: dict[tuple[str, Cell], list[int]] = {}
    for contact in contacts:
        date, manager, plan_date = contact.contact_date, contact.manager, contact.plan_date
        held = _sums(sums, date, contact.operator, manager, plan_date)
        held[0] += 1
        for operator, count in contact.calls:
            _sums(sums, date, operator, manager, plan_date)[1] += count
        for operator, count in contact.refusals:
            _sums(sums, date, operator, manager, plan_date)[2] += count
        orders = len(contact.orders)
        if orders:
            held[3] += 1
            held[4] += orders
            held[5] += contact.is_delivered
        else:
            at = _AT.get(contact.status)
            if at:
                held[at] += 1
        held[9] += contact.was_dropped
    return {key: tuple(counts) for key, counts in sums.items()}


def open_counts(contacts: Iterable[Contact]) -> dict[tuple[str, OpenKey], int]:
    """The open contacts by (contact date, cell with deadline and standing)."""
    counts: dict[tuple[str, OpenKey], int] = {}
    for contact in contacts:
        status = contact.status
        if status in (OPEN, DROPPED):
            key = (
                contact.contact_date,
                OpenKey(
                    contact.operator,
                    contact.manager,
                    contact.plan_date,
                    contact.deadline,
                    DROPPED if status == DROPPED else contact.kind,
                ),
            )
            counts[key] = counts.get(key, 0) + 1
    return counts


def _sums(
    sums: dict[tuple[str, Cell], list[int]],
    date: str,
    operator: str | None,
    manager: str | None,
    plan_date: str | None,
) -> list[int]:
    key = (date, Cell(operator, manager, plan_date))
    found = sums.get(key)
    if found is None:
        found = sums[key] = [0] * 11
    return found
