"""The parameters of a request, read from its query string."""

import pytest
from fastapi import Request

from query_api.auth import Restriction
from query_api.http.contact_parameters import ContactParameters
from query_api.http.parameters import (
    Dates,
    Day,
    HoursParameters,
    ReportParameters,
    ReportRequest,
    read_query,
)
from query_api.http.problems import InvalidParameters
from query_api.report.named_rows import LookupFilter
from query_api.report.pages import Key, Order, encode_cursor
from query_api.report.row_query import RowFilter
from query_api.report.scope import Period, ReportQuery, Scope
from support.events import DAY


def request(query: str) -> Request:
    return Request({"type": "http", "headers": [], "query_string": query.encode()})


def errors(query: str, model: type[Day] = ReportParameters) -> list[tuple[str, str]]:
    with pytest.raises(InvalidParameters) as raised:
        read_query(request(query), model)
    return [(error.field, error.message) for error in raised.value.errors]


def test_without_dates_the_report_is_that_of_the_current_day() -> None:
    asked = ReportRequest(read_query(request(""), ReportParameters), None)

    assert asked.query(DAY) == ReportQuery(Period(DAY, DAY), False, Scope(), None)
    assert asked.query("2026-11-25").period == Period("2026-11-25", "2026-11-25")


def test_a_range_of_one_day_is_not_a_single_date() -> None:
    asked = ReportRequest(
        read_query(request(f"date_from={DAY}&date_to={DAY}"), ReportParameters), None
    )

    assert asked.query("2030-01-01") == ReportQuery(Period(DAY, DAY), True, Scope(), None)


def test_chosen_filters_never_exceed_the_callers_restriction() -> None:
    restriction = Restriction(operators=frozenset({"op-1"}))
    parameters = read_query(
        request("operator_id=op-2&manager_id=mgr-1&plan_date=none"), ReportParameters
    )

    query = ReportRequest(parameters, restriction).query(DAY)

    assert query.scope == Scope("mgr-1", "none", frozenset({"op-1"}), None)
    assert query.operator_id == "op-2"


def test_a_query_string_is_parsed_once() -> None:
    assert read_query(request("date=2026-01-02"), Dates) is read_query(
        request("date=2026-01-02"), Dates
    )


@pytest.mark.parametrize(
    ("query", "field", "message"),
    [
        ("date=2026-02-30", "date", "there is no such day"),
        ("date=yesterday", "date", "give a date as YYYY-MM-DD"),
        ("plan_date=2026-02-30", "plan_date", "there is no such day, or none"),
        (f"date={DAY}&date={DAY}", "date", "is given more than once"),
        (f"date={DAY}&date_from={DAY}", "date", "give either date, or date_from and date_to"),
        (f"date_from={DAY}", "date_to", "is missing: date_from is given"),
        (f"date_to={DAY}", "date_from", "is missing: date_to is given"),
        (f"date_from={DAY}&date_to=2026-11-23", "date_to", f"lies before date_from={DAY}"),
        (
            f"date_from={DAY}&date_to=2027-02-24",
            "date_to",
            f"more than 92 days from date_from={DAY} on",
        ),
    ],
)
def test_a_wrong_parameter_is_named_with_what_is_wrong(
    query: str, field: str, message: str
) -> None:
    assert errors(query) == [(field, message)]


def test_an_error_about_an_unknown_parameter_lists_the_known_ones() -> None:
    [(field, message)] = errors("day=1", Dates)

    assert field == "day"
    assert message.endswith("there are date, date_from, date_to")


def test_every_wrong_parameter_is_named() -> None:
    found = errors("counter=all&sort=size&limit=0&min_calls=-1", ContactParameters)

    assert {field for field, _ in found} == {"counter", "sort", "limit", "min_calls"}


def test_rows_are_asked_for_behind_a_figure_of_the_report() -> None:
    parameters = read_query(
        request("counter=overdue&kind=planned&min_calls=2&q=anna&last_delivery_to=2026-11-01"),
        ContactParameters,
    )
    report = ReportRequest(parameters, None).query(DAY)

    query = parameters.row_query(report, 7)

    assert (query.period, query.counter, query.minute) == (report.period, "overdue.total", 7)
    assert query.row_filter == RowFilter(kind="planned", min_calls=2)
    assert parameters.lookup_filter == LookupFilter("anna", None, "2026-11-01")


def test_a_cursor_must_be_one_of_the_order_asked_for() -> None:
    place = Key(is_missing=False, value="planned", task_id="T1", contact_no=1)
    cursor = encode_cursor(Order.parse("-kind"), place)

    same = read_query(request(f"sort=-kind&cursor={cursor}"), ContactParameters)
    other = read_query(request(f"sort=kind&cursor={cursor}"), ContactParameters)

    assert same.after == place
    assert read_query(request(""), ContactParameters).after is None
    with pytest.raises(InvalidParameters, match="cursor: belongs to another sort"):
        _ = other.after


def test_hours_are_of_one_date_with_the_filters_of_the_report() -> None:
    asked = ReportRequest(
        read_query(request(f"date={DAY}&operator_id=&plan_date=none"), HoursParameters), None
    )

    assert asked.query("2030-01-01") == ReportQuery(
        Period(DAY, DAY), False, Scope(None, "none"), ""
    )
    [(field, message)] = errors(f"date_from={DAY}", HoursParameters)
    assert field == "date_from"
    assert message.endswith("there are date, operator_id, manager_id, plan_date")
