"""The course of a day, and the days of a range, as JSON."""

from query_api.report.days import MergedDays
from query_api.report.hour_counts import Course
from query_api.report.hours import hours_of
from query_api.report.report_json import ReportJson, encode_parts, figures
from query_api.report.scope import ReportQuery


def hours_json(
    course: Course, query: ReportQuery, *, timezone: str, complete_since: str | None
) -> ReportJson:
    """Returns the course of the query's first day encoded."""
    head = {"date": query.period.first, "timezone": timezone}
    return encode_parts(head, {"hours": hours_of(course)}, query, complete_since)


def days_json(
    merged: MergedDays, query: ReportQuery, *, timezone: str, complete_since: str | None
) -> ReportJson:
    """Returns the totals of each day of the query's period encoded."""
    period = query.period
    head = {"date_from": period.first, "date_to": period.last, "timezone": timezone}
    days = [{"date": day, "totals": figures(line)} for day, line in merged.totals.items()]
    return encode_parts(head, {"days": days}, query, complete_since)
