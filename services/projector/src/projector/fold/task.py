"""A task: the set of its facts, and what it contributes to its shard."""

from collections.abc import Iterable
from typing import Final, Literal, NamedTuple

from pydantic_core import from_json

from contracts.events import MAX_TASK_EVENTS
from contracts.keys import Cell, NameEntry, OpenKey, row_field
from projector.fold.calendar import Calendar
from projector.fold.cells import Counters, cells, open_counts
from projector.fold.contacts import Contact, contacts
from projector.fold.facts import Delivered, Fact, Planned, content, fact_of_packed, names_of

Added = Literal["new", "same", "replaced", "full"]

NEVER: Final = "0000-00-00"

RowKey = tuple[str, str | None]
"""(contact date, operator) under which rows are listed."""


class Pointer(NamedTuple):
    """Stands for a contact under an operator for whom it counts calls or refusals only."""

    holder: str | None


class View(NamedTuple):
    """What a task contributes: absolute values, so that views can be subtracted."""

    cells: dict[tuple[str, Cell], Counters]
    open: dict[tuple[str, OpenKey], int]
    rows: dict[RowKey, dict[str, Contact | Pointer]]


EMPTY: Final = View({}, {}, {})


class Task:
    """The facts of one task, each identity once. `view` remembers the last computed view."""

    __slots__ = ("facts", "view")

    def __init__(self) -> None:
        self.facts: dict[tuple[str, str], Fact] = {}
        self.view: View | None = EMPTY

    @classmethod
    def decode(cls, document: bytes) -> "Task":
        """The task of a stored document."""
        task = cls()
        for packed in from_json(document[len(NEVER) :]):
            fact = fact_of_packed(packed)
            task.facts[fact.source, fact.id] = fact
        task.view = None
        return task

    def encode(self, newest: str) -> bytes:
        """The document: the newest contact date, for retention, then the events."""
        return (
            newest.encode()
            + b"["
            + b",".join([f.packed for f in sorted(self.facts.values())])
            + b"]"
        )

    def add(self, fact: Fact) -> tuple[Added, Fact | None]:
        """Take the fact in; says what became of it, and which fact had to make room for it.

        One identity with two contents: the bytewise lesser one stays. An identity beyond the
        two-thousandth is refused as ``full``.
        """
        identity = fact.source, fact.id
        known = self.facts.get(identity)
        if known is None:
            if len(self.facts) >= MAX_TASK_EVENTS:
                return "full", None
            self.facts[identity] = fact
            return "new", None
        if known.packed == fact.packed or content(known) <= content(fact):
            return "same", None
        self.facts[identity] = fact
        return "replaced", known


def view_of(
    task_id: str, facts: Iterable[Fact], calendar: Calendar, horizon: str
) -> tuple[View, str]:
    """The task's view without contacts dated before `horizon`, and its newest contact date.

    The newest date of a task without contacts is that of its newest event.
    """
    found = contacts(facts, calendar)
    if not found:
        days = [calendar.date_of_seconds(fact.seconds) for fact in facts]
        return EMPTY, max(days, default=NEVER)
    newest = max([contact.contact_date for contact in found])
    kept = [contact for contact in found if contact.contact_date >= horizon]
    rows: dict[RowKey, dict[str, Contact | Pointer]] = {}
    for contact in kept:
        field = row_field(task_id, contact.contact_no)
        holder = contact.operator
        rows.setdefault((contact.contact_date, holder), {})[field] = contact
        for operator, _ in contact.calls + contact.refusals:
            if operator != holder:
                at = rows.setdefault((contact.contact_date, operator), {})
                at[field] = Pointer(holder)
    return View(cells(kept), open_counts(kept), rows), newest


def last_deliveries(facts: Iterable[Fact], calendar: Calendar) -> dict[str, str]:
    """The last delivery date the task knows for each address that any of its plans names."""
    delivered = NEVER
    known: dict[str, str] = {}
    for fact in facts:
        match fact:
            case Planned():
                address = fact.address[0]
                known[address] = max(known.get(address, NEVER), fact.last_delivery_date or NEVER)
            case Delivered():
                delivered = max(delivered, calendar.date_of(fact.delivered_at))
            case _:
                pass
    dates = {address: max(date, delivered) for address, date in known.items()}
    return {address: date for address, date in dates.items() if date != NEVER}


def latest_names(facts: Iterable[Fact]) -> dict[tuple[str, str], NameEntry]:
    """(kind, id) → the latest name the facts give."""
    names: dict[tuple[str, str], NameEntry] = {}
    for fact in facts:
        for kind, (named, text) in names_of(fact):
            entry = NameEntry(*fact[:5], text)
            known = names.get((kind, named))
            if known is None or entry > known:
                names[kind, named] = entry
    return names
