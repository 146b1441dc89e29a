"""The five events Obzvon understands, as CloudEvents 1.0 in JSON.

Both content modes of the CloudEvents Kafka binding are read: structured (everything in the
value) and binary (attributes in ``ce_*`` headers, data in the value). Unknown fields are
ignored, so additive change is free; a breaking change is a new ``.v2`` type.

Sources: CloudEvents 1.0.2 §3 (attributes), CloudEvents Kafka Protocol Binding 1.0.2 §3.
"""

from datetime import date, datetime
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    GetJsonSchemaHandler,
    TypeAdapter,
    model_validator,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

MAX_VALUE_BYTES = 64 * 1024
"""Largest Kafka value that is still an event; a larger one is a dead letter."""

MAX_AHEAD_S = 24 * 60 * 60
"""Seconds an event's time may lie ahead of its Kafka record's own timestamp."""

MAX_TASK_EVENTS = 2_000
"""Distinct events of one task; further ones are dead letters."""

Id = Annotated[str, Field(min_length=1, max_length=128)]
Name = Annotated[str, Field(max_length=2_000)]


class _Text:
    """A date or time that is given as text of exactly one form.

    pydantic alone would also take a number of seconds written as a string, which is no date.
    """

    def __init__(self, pattern: str, parsed: CoreSchema, json_format: str) -> None:
        self._pattern = pattern
        self._parsed = parsed
        self._format = json_format

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> CoreSchema:
        text = core_schema.chain_schema(
            [core_schema.str_schema(pattern=self._pattern, strict=True), self._parsed]
        )
        return core_schema.json_or_python_schema(
            json_schema=text,
            python_schema=core_schema.union_schema([handler(source), text]),
        )

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        return {"type": "string", "format": self._format, "pattern": self._pattern}


Day = Annotated[
    date,
    _Text(r"^[0-9]{4}-[0-9]{2}-[0-9]{2}$", core_schema.date_schema(strict=False), "date"),
]
"""An ISO 8601 calendar date, ``YYYY-MM-DD``."""

Instant = Annotated[
    datetime,
    _Text(
        r"^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
        core_schema.datetime_schema(strict=False, tz_constraint="aware"),
        "date-time",
    ),
]
"""A moment as RFC 3339 text with an offset."""


class Outcome(StrEnum):
    """How a call ended."""

    ORDERED = "ordered"
    ANSWERED = "answered"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    REFUSED = "refused"


class Reason(StrEnum):
    """Why a contact failed."""

    NO_CONTACT = "no_contact"
    REFUSED = "refused"
    ADDRESS_DROP = "address_drop"
    ADDRESS_CLOSED = "address_closed"


class Origin(StrEnum):
    """Where a task came from."""

    MANUAL = "manual"
    FORECAST = "forecast"


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class Party(_Frozen):
    """An operator, a manager or a client: the name is the latest one published for the id."""

    id: Id
    name: Name


class Address(_Frozen):
    """A delivery address."""

    id: Id
    text: Name


class Order(_Frozen):
    """An order taken on a call."""

    id: Id
    number: Name


class PlannedData(_Frozen):
    """A task is planned, or planned again: who calls whom, about which address, on which day."""

    client: Party
    address: Address
    contact_date: Day = Field(description="Дата контакта: the day the call is assigned to")
    operator: Party | None = None
    manager: Party | None = None
    plan_date: Day | None = Field(None, description="Дата плана: the day of delivery")
    due_at: Instant | None = Field(
        None, description="A time to have called by; counted to the minute, seconds are dropped"
    )
    last_delivery_date: Day | None = None
    origin: Origin | None = None


class CalledData(_Frozen):
    """A call was made. A repeated ``call_id`` corrects the earlier call."""

    model_config = ConfigDict(
        json_schema_extra={
            "if": {"properties": {"outcome": {"const": "ordered"}}},
            "then": {"required": ["order"], "properties": {"order": {"type": "object"}}},
            "else": {"properties": {"order": {"type": "null"}}},
        }
    )

    call_id: Id
    outcome: Outcome
    order: Order | None = Field(None, description="Given exactly when the outcome is `ordered`")
    operator: Party | None = Field(None, description="Who called; else the contact's holder did")
    duration_s: float | None = Field(None, description="Length of the call in seconds")

    @model_validator(mode="after")
    def _order_exactly_when_ordered(self) -> Self:
        if (self.outcome is Outcome.ORDERED) != (self.order is not None):
            raise ValueError("order must be given exactly when outcome is 'ordered'")
        return self


class PostponedData(_Frozen):
    """The contact is put off: to another day, or to later on the same day."""

    contact_date: Day = Field(description="The new contact date")
    comment: Name
    plan_date: Day | None = None
    due_at: Instant | None = None
    operator: Party | None = Field(None, description="Who takes the contact over")


class FailedData(_Frozen):
    """The contact came to nothing, or its address is being lost."""

    reason: Reason
    comment: Name | None = None
    call_id: Id | None = None


class DeliveredData(_Frozen):
    """An order was delivered."""

    order_id: Id
    delivered_at: Instant


class _CloudEvent(_Frozen):
    specversion: Literal["1.0"]
    id: Id
    source: Annotated[str, Field(min_length=1, max_length=2_000)]
    subject: Id = Field(description="The task's id; also the Kafka key")
    time: Instant = Field(description="When it happened, RFC 3339 with an offset")
    datacontenttype: str | None = "application/json"


class TaskPlanned(_CloudEvent):
    type: Literal["task-planned.v1"] = "task-planned.v1"
    data: PlannedData


class TaskCalled(_CloudEvent):
    type: Literal["task-called.v1"] = "task-called.v1"
    data: CalledData


class TaskPostponed(_CloudEvent):
    type: Literal["task-postponed.v1"] = "task-postponed.v1"
    data: PostponedData


class TaskFailed(_CloudEvent):
    type: Literal["task-failed.v1"] = "task-failed.v1"
    data: FailedData


class TaskDelivered(_CloudEvent):
    type: Literal["task-delivered.v1"] = "task-delivered.v1"
    data: DeliveredData


EVENT_CLASSES: tuple[type[_CloudEvent], ...] = (
    TaskPlanned,
    TaskCalled,
    TaskPostponed,
    TaskFailed,
    TaskDelivered,
)
EVENT_TYPES: tuple[str, ...] = tuple(c.model_fields["type"].default for c in EVENT_CLASSES)

Event = Annotated[
    TaskPlanned | TaskCalled | TaskPostponed | TaskFailed | TaskDelivered,
    Field(discriminator="type"),
]

EVENT_ADAPTER: TypeAdapter[Any] = TypeAdapter(Event)
"""Validates one event; use it for publishers and for events that did not come from Kafka."""

STRUCTURED_CONTENT_TYPE = "application/cloudevents+json"
