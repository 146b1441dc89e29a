"""From contacts to what the report counts.

Counting is written as adding a contact to sums, with a sign: the projection takes away what a
contact counted before a batch and adds what it counts after, and needs no other arithmetic.
"""

from collections.abc import Iterable
from typing import Final

from contracts.values import COUNTERS
from projector.fold.contacts import Contact
from projector.fold.draft import DROPPED, OPEN

CellKey = tuple[str, str | None, str | None, str | None]
"""(contact date, operator, manager, plan date)."""

OpenBucket = tuple[str, str | None, str | None, str | None, int, str]
"""(contact date, operator, manager, plan date, deadline, standing)."""

Counters = tuple[int, ...]
"""One number for each of `contracts.values.COUNTERS`, in their order."""

Hours = dict[int, int]
"""Slot → count; slots are those of `contracts.values.join_hours`."""

_SIZE: Final = len(COUNTERS)
NOTHING: Final[Counters] = (0,) * _SIZE

_PLANNED, _CALLS, _REFUSALS, _ORDERED, _ORDERS, _DELIVERED = range(6)
_WAS_DROPPED: Final = COUNTERS.index("dropped")
_BY_STATUS: Final = {
    status: COUNTERS.index(status)
    for status in ("postponed", "no_contact", "refused", "drop_closed")
}


class Sums:
    """What a cell counts: its counters, and its course of the day."""

    __slots__ = ("counters", "hours")

    def __init__(self) -> None:
        self.counters = [0] * _SIZE
        self.hours: Hours = {}


def count(sums: dict[CellKey, Sums], contact: Contact, sign: int) -> None:
    """Add the contact, `sign` times, to what its cells count.

    A call and a refusal go to the cell of the operator they count for, under their contact's
    date, manager and plan date; everything else to the operator who holds the contact.
    """
    date, manager, plan_date = contact.contact_date, contact.manager, contact.plan_date
    holder = contact.operator
    key = (date, holder, manager, plan_date)
    of_holder = sums.get(key)
    if of_holder is None:
        of_holder = sums[key] = Sums()
    held = of_holder.counters
    held[_PLANNED] += sign
    for at, counted in ((_CALLS, contact.calls), (_REFUSALS, contact.refusals)):
        for operator, number in counted:
            if operator == holder:
                held[at] += sign * number
            else:
                _of(sums, (date, operator, manager, plan_date)).counters[at] += sign * number
    for operator, slots in contact.moments:
        of_cell = of_holder
        if operator != holder:
            of_cell = _of(sums, (date, operator, manager, plan_date))
        hours = of_cell.hours
        for slot in slots:
            hours[slot] = hours.get(slot, 0) + sign
    if contact.orders:
        held[_ORDERED] += sign
        held[_ORDERS] += sign * len(contact.orders)
        if contact.is_delivered:
            held[_DELIVERED] += sign
    elif contact.status in _BY_STATUS:
        held[_BY_STATUS[contact.status]] += sign
    if contact.was_dropped:
        held[_WAS_DROPPED] += sign


def _of(sums: dict[CellKey, Sums], key: CellKey) -> Sums:
    found = sums.get(key)
    if found is None:
        found = sums[key] = Sums()
    return found


def bucket(contact: Contact) -> OpenBucket | None:
    """Where an open contact is counted by its deadline; None for one that is not open."""
    status = contact.status
    if status not in (OPEN, DROPPED):
        return None
    return (
        contact.contact_date,
        contact.operator,
        contact.manager,
        contact.plan_date,
        contact.deadline,
        DROPPED if status == DROPPED else contact.kind,
    )


def cells(contacts: Iterable[Contact]) -> dict[CellKey, Counters]:
    """The counters of the contacts by cell."""
    return {key: tuple(sums.counters) for key, sums in _sums(contacts).items()}


def hours(contacts: Iterable[Contact]) -> dict[CellKey, Hours]:
    """The course of the day of the contacts by cell."""
    return {key: sums.hours for key, sums in _sums(contacts).items() if sums.hours}


def _sums(contacts: Iterable[Contact]) -> dict[CellKey, Sums]:
    sums: dict[CellKey, Sums] = {}
    for contact in contacts:
        count(sums, contact, 1)
    return sums


def open_counts(contacts: Iterable[Contact]) -> dict[OpenBucket, int]:
    """The open contacts by cell, deadline and standing."""
    counts: dict[OpenBucket, int] = {}
    for contact in contacts:
        key = bucket(contact)
        if key:
            counts[key] = counts.get(key, 0) + 1
    return counts
