"""The order of rows, and pages that stay in place while rows come and go."""

import base64
import binascii
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

from pydantic_core import from_json, to_json

from query_api.report.collation import collation_key
from query_api.report.named_rows import NamedRow, Part

SORTED_BY: Final = 200
"""Characters of a name that rows are sorted by. A cursor contains them, and must fit into a URL."""


def _collation_key(text: str | None) -> str | None:
    return None if text is None else collation_key(text)[:SORTED_BY]


SORTS: Final[dict[str, Callable[[NamedRow], str | int | None]]] = {
    "contact_date": lambda n: n.row.contact_date,
    "plan_date": lambda n: n.row.plan_date,
    "due_at": lambda n: n.row.due,
    "deadline": lambda n: n.row.deadline,
    "operator": lambda n: _collation_key(n.operator),
    "manager": lambda n: _collation_key(n.manager),
    "client": lambda n: _collation_key(n.client),
    "address": lambda n: _collation_key(n.address),
    "kind": lambda n: n.row.kind,
    "status": lambda n: n.row.status,
    "calls": lambda n: sum(count for _, count in n.row.calls),
    "refusals": lambda n: sum(count for _, count in n.row.refusals),
    "orders": lambda n: len(n.row.orders),
    "postponements": lambda n: n.row.postponements,
    "last_call_at": lambda n: _utc(n.row.last_call_at),
    "last_delivery_date": lambda n: n.last_delivery_date,
    "contribution": lambda n: n.contribution,
    "task_id": lambda n: n.row.task_id,
}
"""Column that rows can be sorted by → its value; rows without one come last."""

DEFAULT_SORT: Final = "contact_date"


def _utc(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC).isoformat()
    except (ValueError, OverflowError):  # hours from the first or the last year there is
        return text


class Key(NamedTuple):
    """The place of a row in an order; no two rows have the same."""

    is_missing: bool
    value: str | int
    task_id: str
    contact_no: int


class Order(NamedTuple):
    """A column to sort by; rows without a value come last in both directions."""

    column: str
    descending: bool

    @classmethod
    def parse(cls, text: str) -> "Order":
        """Parses ``column`` or ``-column``; raises ValueError if there is no such column."""
        column = text.removeprefix("-")
        if column not in SORTS:
            raise ValueError(f"rows are sorted by one of {', '.join(SORTS)}; - before it reverses")
        return cls(column, text.startswith("-"))

    def key(self, named: NamedRow) -> Key:
        value = SORTS[self.column](named)
        return Key(
            value is None, "" if value is None else value, named.row.task_id, named.row.contact_no
        )

    def arranged(self, rows: Iterable[tuple[Key, NamedRow]]) -> list[tuple[Key, NamedRow]]:
        found: list[tuple[Key, NamedRow]] = []
        missing: list[tuple[Key, NamedRow]] = []
        for pair in rows:
            (missing if pair[0].is_missing else found).append(pair)
        for some in (found, missing):
            some.sort(key=lambda pair: pair[0][1:], reverse=self.descending)
        return found + missing

    def is_after(self, key: Key, cursor: Key) -> bool:
        if key.is_missing != cursor.is_missing:
            return key.is_missing
        ours: tuple[Any, ...] = key[1:]
        theirs: tuple[Any, ...] = cursor[1:]
        return ours < theirs if self.descending else ours > theirs

    @property
    def parts(self) -> frozenset[Part]:
        """What must be looked up for all rows before they can be sorted."""
        return _SORTED_PARTS.get(self.column, frozenset())


_SORTED_PARTS: Final[dict[str, frozenset[Part]]] = {
    "client": frozenset({"client"}),
    "address": frozenset({"address"}),
    "last_delivery_date": frozenset({"delivery"}),
}


class Page(NamedTuple):
    rows: list[NamedRow]
    next_cursor: str | None
    """Leads to the next page; None on the last one."""


def page(rows: Iterable[NamedRow], order: Order, after: Key | None, limit: int) -> Page:
    """Returns the first `limit` rows after the place `after`, or from the beginning."""
    keyed: Iterable[tuple[Key, NamedRow]] = [(order.key(one), one) for one in rows]
    if after is not None:
        keyed = [pair for pair in keyed if order.is_after(pair[0], after)]
    arranged = order.arranged(keyed)
    shown = arranged[:limit]
    has_more = len(arranged) > len(shown)
    return Page(
        [named for _, named in shown], encode_cursor(order, shown[-1][0]) if has_more else None
    )


def encode_cursor(order: Order, key: Key) -> str:
    """Returns a cursor, opaque to callers: a place, not a number of rows, since rows may change."""
    text = to_json([order.column, order.descending, *key])
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def decode_cursor(text: str, order: Order) -> Key:
    """Returns the place; raises ValueError if the text is not a cursor of this order."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        column, descending, is_missing, value, task_id, contact_no = from_json(raw)
    except (binascii.Error, ValueError, TypeError):
        raise ValueError("is not a cursor of this API") from None
    if (column, descending) != order:
        raise ValueError("belongs to another sort; leave it out to start over")
    numeric = column in _NUMERIC
    fits = isinstance(value, int if numeric and not is_missing else str)
    if not (isinstance(is_missing, bool) and isinstance(task_id, str) and fits):
        raise ValueError("is not a cursor of this API")
    if not isinstance(contact_no, int):
        raise ValueError("is not a cursor of this API")  # noqa: TRY004 -- a bad value, not a bug
    return Key(is_missing, value, task_id, contact_no)


_NUMERIC: Final = frozenset(
    {"due_at", "deadline", "calls", "refusals", "orders", "postponements", "contribution"}
)
