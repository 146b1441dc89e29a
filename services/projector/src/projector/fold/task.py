"""A task: the set of its facts, and what it contributes to its shard."""

from collections.abc import Iterable
from typing import Final, Literal

from pydantic_core import from_json

from contracts.events import MAX_TASK_EVENTS
from contracts.values import NameEntry
from projector.fold.calendar import Calendar
from projector.fold.contacts import Contact, History
from projector.fold.facts import Delivered, Fact, Planned, content, fact_of_packed, names_of

Added = Literal["new", "same", "replaced", "full"]

NEVER: Final = "0000-00-00"

Listing = tuple[str, str | None]
"""(contact date, operator) under which rows are listed."""


class Task:
    """The facts of one task, each identity once, and the contacts that they come to."""

    __slots__ = ("_calendar", "_history", "_packed", "contacts", "facts")

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self.facts: dict[tuple[str, str], Fact] = {}
        self._history: History | None = None
        self._packed: list[bytes] = []
        """What the document holds, in the facts' order; valid while `_history` is."""
        self.contacts: list[Contact] = []

    @classmethod
    def decode(cls, document: bytes, calendar: Calendar) -> "Task":
        """The task of a stored document."""
        task = cls(calendar)
        task.facts = {(fact.source, fact.id): fact for fact in facts_of(document)}
        task.fold()
        return task

    def encode(self) -> bytes:
        """The document: the newest contact date, for retention, then the events.

        Where there is no contact yet, the date of the newest event stands in.
        """
        if self.contacts:
            newest = max([contact.contact_date for contact in self.contacts])
        else:
            seconds = max([fact.seconds for fact in self.facts.values()])
            newest = self._calendar.date_of_seconds(seconds)
        return newest.encode() + b"[" + b",".join(self._packed) + b"]"

    def add(self, fact: Fact) -> tuple[Added, Fact | None]:
        """Take the fact in; says what became of it, and which fact had to make room for it.

        One identity with two contents: the bytewise lesser one stays. An identity beyond the
        two-thousandth is refused as ``full``. Call `fold` when all are in.
        """
        identity = fact.source, fact.id
        known = self.facts.get(identity)
        if known is None:
            if len(self.facts) >= MAX_TASK_EVENTS:
                return "full", None
            self.facts[identity] = fact
            if self._history and self._history.append(fact):
                self._packed.append(fact.packed)
            else:
                self._history = None
            return "new", None
        if known.packed == fact.packed or content(known) <= content(fact):
            return "same", None
        self.facts[identity] = fact
        self._history = None
        return "replaced", known

    def fold(self) -> None:
        """Compute the contacts of what was added."""
        if self._history is None:
            ordered = sorted(self.facts.values())
            self._history = History(ordered, self._calendar)
            self._packed = [fact.packed for fact in ordered]
        self.contacts = self._history.contacts()


def facts_of(document: bytes) -> list[Fact]:
    """The facts that a stored document holds."""
    return [fact_of_packed(packed) for packed in from_json(document[len(NEVER) :])]


def listings(contact: Contact) -> dict[Listing, bool]:
    """Where the contact's row is listed: True under its holder, False where a pointer stands.

    A pointer stands under each operator for whom the contact counts calls or refusals only.
    """
    date, holder = contact.contact_date, contact.operator
    places = {(date, holder): True}
    for counted in (contact.calls, contact.refusals):
        for operator, _ in counted:
            if operator != holder:
                places[date, operator] = False
    return places


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
