"""What the query API answers: the report and the rows behind its numbers."""

import datetime as dt
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.events import Origin


class _Answer(BaseModel):
    # What has a default here is sent all the same: clients may rely on it.
    model_config = ConfigDict(frozen=True, json_schema_serialization_defaults_required=True)


class Kind(StrEnum):
    """How a contact came to its date."""

    PLANNED = "planned"
    POSTPONED = "postponed"


class ContactStatus(StrEnum):
    """Where a contact stands; open and dropped ones are still to be called."""

    OPEN = "open"
    DROPPED = "dropped"
    ORDERED = "ordered"
    POSTPONED = "postponed"
    NO_CONTACT = "no_contact"
    REFUSED = "refused"
    DROP_CLOSED = "drop_closed"


class Ref(_Answer):
    """Somebody or something by id, with the latest name published for it."""

    id: str
    name: str


class AddressRef(_Answer):
    id: str
    text: str


class OrderRef(_Answer):
    id: str
    number: str | None = Field(description="Null when only a delivery named the order")


class Active(_Answer):
    """Активные: open contacts before their deadline, by how they stand."""

    planned: int
    postponed: int
    dropped: int
    total: int


class Overdue(_Answer):
    """Просроченные: open contacts past their deadline, of the date and of earlier ones."""

    planned: int
    postponed: int
    dropped: int
    total: int
    carried: int = Field(description="Those of them dated before the date")


class Figures(_Answer):
    """The counters of one operator, or their sum."""

    planned: int = Field(description="План")
    calls: int = Field(description="Звонков")
    refusals: int = Field(description="Отказов")
    ordered: int = Field(description="Contacts with an order")
    orders: int = Field(description="Distinct orders of each contact, summed")
    delivered: int
    postponed: int
    no_contact: int
    refused: int
    dropped: int = Field(description="Отвал: contacts whose address was ever reported lost")
    drop_closed: int
    active: Active
    overdue: Overdue
    order_percent: float | None = Field(description="ordered / planned · 100; null without a plan")
    processed_percent: float | None


class OperatorFigures(Figures):
    operator: Ref = Field(description='id "" stands for contacts without an operator')


class Filters(_Answer):
    """The filters as they were applied; null where one was not given, empty for none."""

    operator_id: str | None = None
    manager_id: str | None = None
    plan_date: str | None = None


class _Fresh(_Answer):
    """Of what moment the figures are; moves on also while they stay."""

    computed_at: dt.datetime = Field(
        description="The moment active and overdue are counted at; "
        "the figures hold until a change or the next deadline"
    )
    as_of: dt.datetime | None = Field(
        description="Everything in Kafka at this moment is in the figures; null if never known"
    )
    lag_events: int | None = Field(description="Records not yet applied; null while stale")
    stale: bool
    stale_reason: str | None = Field(
        None, description="Which shard makes it stale and why, for a person; null while fresh"
    )


class Report(_Fresh):
    """The report of one contact date, or of a range of them."""

    date: dt.date | None = Field(description="Null for a range")
    date_from: dt.date
    date_to: dt.date
    timezone: str
    complete_since: dt.datetime | None = Field(
        description="Set when Kafka no longer had its beginning"
    )
    filters: Filters
    operators: list[OperatorFigures]
    totals: Figures


class HourFigures(_Answer):
    """What happened in one hour of a day, over the contacts dated that day."""

    hour: Annotated[int, Field(ge=0, le=23)] | Literal["before", "after"] = Field(
        description="Local hour by the clock on the wall; `before` and `after` the contact date"
    )
    calls: int = Field(description="Звонков, each at its time")
    refusals: int = Field(description="Отказов, each at the time of its call or failure")
    ordered: int = Field(description="Contacts with an order, at the first call that holds one")
    processed: int = Field(description="Contacts that are neither open nor dropped, when closed")


class Hours(_Fresh):
    """The course of one contact date; each column sums to the report's figure."""

    date: dt.date
    timezone: str
    complete_since: dt.datetime | None = Field(
        description="Set when Kafka no longer had its beginning"
    )
    filters: Filters
    hours: list[HourFigures] = Field(min_length=26, max_length=26)


class DayTotals(_Answer):
    date: dt.date
    totals: Figures = Field(description="The totals of this day's report")


class Days(_Fresh):
    """The totals of each single day of a range, as its report gives them now."""

    date_from: dt.date
    date_to: dt.date
    timezone: str
    complete_since: dt.datetime | None = Field(
        description="Set when Kafka no longer had its beginning"
    )
    filters: Filters
    days: list[DayTotals]


class CallerKind(StrEnum):
    """Who shows a credential: a person, a wallboard by its key, or a program of its own."""

    PERSON = "person"
    WALLBOARD = "wallboard"
    SERVICE = "service"


class CallerRestriction(_Answer):
    """The part of the report a caller sees: ids, "" for contacts without one; null is all."""

    operators: list[str] | None
    managers: list[str] | None


class Features(_Answer):
    """What of the API is switched on."""

    login: bool = Field(description="People can log in with a browser, at /login")
    wallboards: bool = Field(description="Wallboard keys are accepted")


class Me(_Answer):
    """Who is asking, and what they may see."""

    name: str = Field(description="Login name of a person, name of a wallboard key")
    kind: CallerKind
    roles: list[str] = Field(description="head, quality_control or wallboard")
    restriction: CallerRestriction | None = Field(description="Null if everything is shown")
    may_read_rows: bool = Field(description="False for wallboards: they see figures only")
    until: dt.datetime = Field(description="When the session, the token or the key ends")
    features: Features


class Freshness(_Fresh):
    """How current the figures are, as a stream sends it. Advances even when they do not change."""

    build: str | None = Field(
        None, description="Of the page that the API serves; a page of another one is outdated"
    )


class StreamEvents(_Answer):
    """What /stream sends: the names of its events, and the JSON in the data of each."""

    report: Report = Field(description="At every change; its id is the ETag of the figures")
    freshness: Freshness = Field(description="Every five seconds")


class ContactRow(_Answer):
    """A contact: one planned call about one address on one contact date."""

    task_id: str
    contact_no: int
    contact_date: dt.date
    plan_date: dt.date | None
    due_at: dt.datetime | None
    operator: Ref | None
    manager: Ref | None
    client: Ref
    address: AddressRef
    origin: Origin | None
    kind: Kind
    status: ContactStatus
    overdue: bool
    orders: list[OrderRef]
    calls: int
    refusals: int
    postponements: int
    postpone_comment: str | None = Field(description="Комментарий переноса")
    comment: str | None = Field(description="Of the latest failure")
    last_call_at: dt.datetime | None
    last_delivery_date: dt.date | None = Field(
        description="Дата последней доставки, of the address"
    )
    contribution: int | None = Field(
        None, description="What the row adds to the counter that was asked for"
    )


class ContactPage(_Answer):
    items: list[ContactRow]
    next_cursor: str | None
    total: int = Field(description="Rows under the filters, over all pages")
    sum: int | None = Field(
        description="The contributions of all pages together; null without `counter`"
    )
    version: str = Field(
        description="The ETag of the report, with the same dates and filters, these rows are behind"
    )
    as_of: dt.datetime | None


class Pickers(_Answer):
    """What can be chosen in the filters of a date."""

    operators: list[Ref]
    managers: list[Ref]
    plan_dates: list[dt.date]


class Problem(BaseModel):
    """An error, as RFC 9457 problem details."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    instance: str | None = None
    errors: list["FieldProblem"] | None = None


class FieldProblem(BaseModel):
    """One parameter that was wrong."""

    field: str
    value: str | None = None
    message: str
