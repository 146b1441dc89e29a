"""The parameters of /contacts."""

import re
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, WithJsonSchema

from contracts.report import ContactStatus, FieldProblem, Kind
from query_api.http.parameters import (
    MAX_COLUMNS,
    MAX_SHOWN,
    Id,
    IsoDate,
    ReportParameters,
)
from query_api.http.problems import InvalidParameters, VersionGone
from query_api.report.contact_table import ContactColumn, contact_columns
from query_api.report.named_rows import LookupFilter
from query_api.report.pages import DEFAULT_SORT, SORTS, Key, Order, decode_cursor
from query_api.report.row_query import COUNTER_NAMES, RowFilter, RowQuery
from query_api.report.scope import ReportQuery

MAX_LIMIT: Final = 500

Count = Annotated[int, Field(ge=0, le=1_000_000)]


def _counter(text: str) -> str:
    if text not in COUNTER_NAMES:
        raise ValueError(f"there is no such figure; there are {', '.join(COUNTER_NAMES)}")
    return text


def _sort(text: str) -> str:
    Order.parse(text)
    return text


def _columns(text: str) -> str:
    contact_columns(text, None)
    return text


def _version(text: str) -> str:
    if not re.fullmatch(r'(W/)?"[!#-~]*"', text):
        raise ValueError('give the ETag of a report, like W/"642737006c203667c48a96d66171b3"')
    return text


Counter = Annotated[
    str,
    AfterValidator(_counter),
    WithJsonSchema({"type": "string", "enum": [*COUNTER_NAMES]}),
]
Sort = Annotated[
    str,
    AfterValidator(_sort),
    WithJsonSchema({"type": "string", "enum": [*SORTS, *(f"-{column}" for column in SORTS)]}),
]


Columns = Annotated[str, AfterValidator(_columns), Field(max_length=MAX_COLUMNS)]
Version = Annotated[str, AfterValidator(_version), Field(max_length=MAX_SHOWN)]


class RowParameters(ReportParameters):
    """Which rows, and in what order."""

    operator_id: Id | None = Field(
        None, description="Rows that count for this operator; empty: for none"
    )
    counter: Counter | None = Field(
        None,
        description="The rows behind this figure of the report, each with its `contribution`",
    )
    status: ContactStatus | None = Field(None, description="Rows with this status")
    kind: Kind | None = Field(None, description="Rows of this kind")
    overdue: bool | None = Field(
        None, description="true: overdue rows, also those of earlier dates; false: the others"
    )
    origin: Literal["manual", "forecast", "none"] | None = Field(
        None, description="Rows of tasks that came from there; `none`: that do not say"
    )
    task_id: Id | None = Field(None, description="Rows of this task")
    client_id: Id | None = Field(None, description="Rows of this client")
    address_id: Id | None = Field(None, description="Rows of this address")
    order: Id | None = Field(None, description="Rows with this order, by its id or number")
    min_calls: Count | None = Field(None, description="Rows with so many calls or more")
    max_calls: Count | None = Field(None, description="Rows with so many calls or fewer")
    min_postponements: Count | None = Field(
        None, description="Rows that were postponed so often or more"
    )
    last_delivery_from: IsoDate | None = Field(
        None, description="Rows whose address had its last delivery on this day or later"
    )
    last_delivery_to: IsoDate | None = Field(
        None, description="Rows whose address had its last delivery by this day, or none at all"
    )
    q: Annotated[str, Field(max_length=200)] | None = Field(
        None, description="Text within the client's name or the address"
    )
    sort: Sort = Field(DEFAULT_SORT, description="Column to sort by; - before it reverses")
    version: Version | None = Field(
        None,
        description="`version` of the page before: 410 if the rows are no longer those of it",
    )

    def row_query(self, query: ReportQuery, minute: int) -> RowQuery:
        """Returns the query for rows within what `query` covers."""
        return RowQuery(
            query.period,
            query.scope,
            query.operator_id,
            COUNTER_NAMES[self.counter] if self.counter else None,
            RowFilter(**{name: getattr(self, name) for name in RowFilter._fields}),
            minute,
        )

    @property
    def lookup_filter(self) -> LookupFilter:
        return LookupFilter(self.q, self.last_delivery_from, self.last_delivery_to)

    @property
    def row_order(self) -> Order:
        return Order.parse(self.sort)

    def expect(self, etag: str) -> None:
        """Raises `VersionGone` if the caller asked for rows of another version than this one."""
        if self.version is not None and self.version.removeprefix("W/") != etag.removeprefix("W/"):
            raise VersionGone(self.version, etag)


class ContactParameters(RowParameters):
    cursor: Annotated[str, Field(max_length=4_096)] | None = Field(
        None, description="`next_cursor` of the page before"
    )
    limit: Annotated[int, Field(ge=1, le=MAX_LIMIT)] = Field(50, description="Rows of a page")

    @property
    def after(self) -> Key | None:
        """Where the page before ended; raises `InvalidParameters`."""
        if self.cursor is None:
            return None
        try:
            return decode_cursor(self.cursor, self.row_order)
        except ValueError as error:
            wrong = FieldProblem(field="cursor", value=self.cursor[:MAX_SHOWN], message=str(error))
            raise InvalidParameters([wrong]) from None


class ContactFileParameters(RowParameters):
    columns: Columns | None = Field(
        None, description="Columns of the file, with commas, in their order; all if left out"
    )

    @property
    def chosen_columns(self) -> tuple[ContactColumn, ...]:
        return contact_columns(self.columns, self.counter)
