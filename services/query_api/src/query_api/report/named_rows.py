"""Rows with their names, and filters that need those names."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal, NamedTuple

from contracts.values import Row
from query_api.report.collation import collation_key
from query_api.report.row_query import RowQuery
from query_api.report.snapshot import Snapshot

Part = Literal["client", "address", "delivery"]

ALL_PARTS: Final[frozenset[Part]] = frozenset({"client", "address", "delivery"})
"""What Redis stores apart from the rows: a client's name, an address, its last delivery."""


class NamedRow(NamedTuple):
    """A row with the names it is shown with."""

    row: Row
    contribution: int
    operator: str | None
    manager: str | None
    client: str = ""
    address: str = ""
    last_delivery_date: str | None = None


def named_rows(rows: Iterable[Row], query: RowQuery, snapshot: Snapshot) -> Iterator[NamedRow]:
    """Yields the rows that match the query, without the parts that must be looked up."""
    operators, managers = snapshot.operators, snapshot.managers
    for row in rows:
        contribution = query.contribution(row) if query.passes(row) else 0
        if contribution:
            yield NamedRow(
                row,
                contribution,
                None if row.operator is None else operators.get(row.operator, row.operator),
                None if row.manager is None else managers.get(row.manager, row.manager),
            )


def completed(
    rows: Iterable[NamedRow],
    clients: Mapping[str, str],
    addresses: Mapping[str, str],
    deliveries: Mapping[str, str],
) -> list[NamedRow]:
    """Returns the rows with what was looked up, by id; an id without a name is shown itself."""
    return [
        one._replace(
            client=clients.get(one.row.client, one.client or one.row.client),
            address=addresses.get(one.row.address, one.address or one.row.address),
            last_delivery_date=deliveries.get(one.row.address, one.last_delivery_date),
        )
        for one in rows
    ]


class LookupFilter(NamedTuple):
    """Filters of the parts that must be looked up. None admits all."""

    text: str | None = None
    """Text within the client's name or the address."""
    last_delivery_from: str | None = None
    last_delivery_to: str | None = None
    """Addresses without any delivery match too."""

    @property
    def parts(self) -> frozenset[Part]:
        """What must be looked up for all rows before any can be left out."""
        parts: set[Part] = set()
        if self.text:
            parts |= {"client", "address"}
        if self.last_delivery_from or self.last_delivery_to:
            parts.add("delivery")
        return frozenset(parts)

    def admitted(self, rows: Iterable[NamedRow]) -> list[NamedRow]:
        """Returns the rows that match; they must have the `parts`."""
        text = collation_key(self.text or "")
        first, last = self.last_delivery_from, self.last_delivery_to
        return [
            one
            for one in rows
            if (not text or text in collation_key(one.client) or text in collation_key(one.address))
            and (first is None or (one.last_delivery_date or "") >= first)
            and (last is None or (one.last_delivery_date or "") <= last)
        ]
