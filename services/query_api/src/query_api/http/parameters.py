"""The parameters of a request: read from the query string and checked; errors name them."""

import re
from datetime import date
from typing import Annotated, Final, NamedTuple, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, WithJsonSchema

from contracts.report import FieldProblem
from query_api.auth.caller import Restriction
from query_api.http.problems import InvalidParameters
from query_api.report.scope import MAX_DAYS, NO_PLAN_DATE, Period, ReportQuery, Scope
from query_api.report.table import BY_NAME, COLUMNS, Column, Sort, report_columns

Parameters = TypeVar("Parameters", bound="Day")

MEMO_SIZE: Final = 1_024
"""How many query strings are remembered, parsed: wallboards send the same ones all day."""

MAX_COLUMNS: Final = 1_000
"""Characters of a list of columns."""

MAX_SHOWN: Final = 100
"""Characters of a wrong value that an error repeats."""


def _iso_date(text: str) -> str:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError("give a date as YYYY-MM-DD")
    try:
        date.fromisoformat(text)
    except ValueError:
        raise ValueError("there is no such day") from None
    return text


def _plan_date(text: str) -> str:
    if text == NO_PLAN_DATE:
        return text
    try:
        return _iso_date(text)
    except ValueError as error:
        raise ValueError(f"{error}, or {NO_PLAN_DATE}") from None


DAY_SCHEMA: Final = {"format": "date"}
IsoDate = Annotated[
    str, AfterValidator(_iso_date), WithJsonSchema({"type": "string", **DAY_SCHEMA})
]
PlanDate = Annotated[
    str,
    AfterValidator(_plan_date),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", **DAY_SCHEMA},
                {"type": "string", "const": NO_PLAN_DATE},
            ]
        }
    ),
]
Id = Annotated[str, Field(max_length=128)]


class Day(BaseModel):
    """Which contact date; today if none is given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    date: IsoDate | None = Field(
        None, description="Contact date; today in the business time zone if no date is given"
    )

    @property
    def is_range(self) -> bool:
        return False

    def period(self, today: str) -> Period:
        day = self.date or today
        return Period(day, day)


class Dates(Day):
    """Which contact dates: one, or a range; today if none is given."""

    date_from: IsoDate | None = Field(
        None, description=f"First date of a range of up to {MAX_DAYS} days, with `date_to`"
    )
    date_to: IsoDate | None = Field(None, description="Last date of the range")

    @property
    def is_range(self) -> bool:
        return self.date_from is not None

    def period(self, today: str) -> Period:
        if self.date_from is not None and self.date_to is not None:
            return Period(self.date_from, self.date_to)
        return super().period(today)


class Filters(BaseModel):
    """Which line and which contacts of the report."""

    operator_id: Id | None = Field(
        None, description="One line of the report; empty: contacts without an operator"
    )
    manager_id: Id | None = Field(
        None, description="Contacts of this manager; empty: those without one"
    )
    plan_date: PlanDate | None = Field(
        None, description=f"Contacts to be delivered on this day; `{NO_PLAN_DATE}`: without a day"
    )


class ReportParameters(Filters, Dates):
    """Those of the report, of a date or a range."""


class HoursParameters(Filters, Day):
    """Those of a day's course, which is of one date."""


def _columns(text: str) -> str:
    report_columns(text)
    return text


def _sort(text: str) -> str:
    Sort.parse(text)
    return text


class ReportFileParameters(ReportParameters):
    columns: Annotated[str, AfterValidator(_columns), Field(max_length=MAX_COLUMNS)] | None = Field(
        None,
        description="Columns of the file, with commas, in their order, behind that of the operators; "
        "all if left out",
    )
    sort: Annotated[str, AfterValidator(_sort)] | None = Field(
        None, description="Column to sort by, shown or not; - before it reverses"
    )

    @property
    def chosen_columns(self) -> tuple[Column, ...]:
        return COLUMNS if self.columns is None else report_columns(self.columns)

    @property
    def line_order(self) -> Sort:
        return BY_NAME if self.sort is None else Sort.parse(self.sort)


class ReportRequest(NamedTuple):
    """What a caller asks for. Without dates that is always the current day's report."""

    parameters: ReportParameters | HoursParameters
    restriction: Restriction | None

    def query(self, today: str) -> ReportQuery:
        parameters = self.parameters
        return ReportQuery(
            parameters.period(today),
            parameters.is_range,
            restricted_scope(self.restriction, parameters.manager_id, parameters.plan_date),
            parameters.operator_id,
        )


def restricted_scope(
    restriction: Restriction | None, manager_id: str | None = None, plan_date: str | None = None
) -> Scope:
    """Returns the chosen part of the report, within what the caller may see."""
    if restriction is None:
        return Scope(manager_id, plan_date)
    return Scope(manager_id, plan_date, restriction.operators, restriction.managers)


_memo: dict[tuple[type[Day], bytes], Day] = {}


def read_query(request: Request, model: type[Parameters]) -> Parameters:
    """Returns the request's parameters as `model`; raises `InvalidParameters`."""
    raw: bytes = request.scope["query_string"]
    known = _memo.get((model, raw))
    if known is None:
        known = _parsed(raw, model)
        if len(_memo) >= MEMO_SIZE:
            _memo.clear()
        _memo[model, raw] = known
    return known  # type: ignore[return-value]  # the key holds the class


def _parsed(raw: bytes, model: type[Parameters]) -> Parameters:
    given: dict[str, str] = {}
    errors = []
    for name, value in parse_qsl(raw.decode("latin-1"), keep_blank_values=True):
        if name in given:
            errors.append(_wrong(name, value, "is given more than once"))
        given[name] = value
    try:
        parameters = model.model_validate(given)
    except ValidationError as error:
        for one in error.errors():
            name = str(one["loc"][0])
            message = one["msg"].removeprefix("Value error, ")
            if one["type"] == "extra_forbidden":
                message = f"is no parameter; there are {', '.join(model.model_fields)}"
            errors.append(_wrong(name, given.get(name), message))
        raise InvalidParameters(errors) from None
    errors += _wrong_range(parameters)
    if errors:
        raise InvalidParameters(errors)
    return parameters


def _wrong_range(dates: Day) -> list[FieldProblem]:
    if not isinstance(dates, Dates):
        return []
    first, last = dates.date_from, dates.date_to
    if first is None and last is None:
        return []
    if dates.date is not None:
        return [_wrong("date", dates.date, "give either date, or date_from and date_to")]
    if first is None:
        return [_wrong("date_from", None, "is missing: date_to is given")]
    if last is None:
        return [_wrong("date_to", None, "is missing: date_from is given")]
    if last < first:
        return [_wrong("date_to", last, f"lies before date_from={first}")]
    if (date.fromisoformat(last) - date.fromisoformat(first)).days >= MAX_DAYS:
        return [_wrong("date_to", last, f"more than {MAX_DAYS} days from date_from={first} on")]
    return []


def _wrong(name: str, value: str | None, message: str) -> FieldProblem:
    shown = None if value is None else value[:MAX_SHOWN]
    return FieldProblem(field=name[:MAX_SHOWN], value=shown, message=message)
