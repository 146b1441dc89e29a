"""Courses and days as JSON, and their ETags."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contracts.report import Days, Hours
from query_api.report.course_json import days_json, hours_json
from query_api.report.days import merge_days
from query_api.report.freshness import Freshness
from query_api.report.hour_counts import EMPTY_COURSE, Course
from query_api.report.report_json import ReportJson, freshness_json
from query_api.report.scope import EVERYTHING, Period, ReportQuery, Scope
from support.events import DAY, planned
from support.snapshots import snapshot_of

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FRESH = Freshness(1_795_521_599_870, 0, stale=False, why_stale=None)

TODAY = ReportQuery(Period(DAY, DAY), is_range=False, scope=EVERYTHING, operator_id=None)
WEEK = TODAY._replace(period=Period("2026-11-20", "2026-11-26"), is_range=True)

COURSE: Course = (*EMPTY_COURSE[:44], 3, 1, 2, 2, *EMPTY_COURSE[48:])


def hours(query: ReportQuery, course: Course = COURSE, since: str | None = None) -> ReportJson:
    return hours_json(course, query, timezone="Europe/Moscow", complete_since=since)


def days(query: ReportQuery, since: str | None = None) -> ReportJson:
    merged = merge_days(snapshot_of([planned("T1")]), query.period, query.scope, None, 0)
    return days_json(merged, query, timezone="Europe/Moscow", complete_since=since)


def whole(answer: ReportJson) -> Any:
    return json.loads(answer.with_freshness(freshness_json(FRESH, NOW, MOSCOW)))


def test_the_course_has_26_buckets_beside_the_head_of_a_report() -> None:
    found = whole(hours(TODAY))

    Hours.model_validate(found)
    assert [bucket["hour"] for bucket in found["hours"]] == ["before", *range(24), "after"]
    assert found["hours"][11] == {
        "hour": 10,
        "calls": 3,
        "refusals": 1,
        "ordered": 2,
        "processed": 2,
    }
    assert sum(sum(bucket.values()) for bucket in found["hours"][12:-1]) == sum(range(11, 24))
    assert (found["date"], found["as_of"]) == (DAY, "2026-11-24T14:59:59.870+03:00")


def test_days_have_a_line_for_each_date_of_the_range() -> None:
    found = whole(days(WEEK, "2026-11-01T00:00:00+00:00"))

    Days.model_validate(found)
    assert [day["date"] for day in found["days"]] == list(WEEK.period.days)
    assert [day["totals"]["planned"] for day in found["days"]] == [0, 0, 0, 0, 1, 0, 0]
    assert (found["date_from"], found["date_to"]) == (WEEK.period.first, WEEK.period.last)
    assert found["complete_since"] == "2026-11-01T00:00:00+00:00"


@pytest.mark.parametrize("answer", [hours, days])
def test_the_etag_is_of_figures_filters_and_restriction(answer: Any) -> None:
    restricted = TODAY._replace(scope=Scope(managers=frozenset({"mgr-1"})))
    other_day = TODAY._replace(period=Period("2026-11-25", "2026-11-25"))
    filtered = TODAY._replace(operator_id="op-1")

    tags = {answer(query).etag for query in (TODAY, restricted, other_day, filtered)}

    assert len(tags) == 4
    assert answer(TODAY).etag == answer(TODAY).etag
    assert answer(TODAY, since=DAY).etag not in tags


def test_hours_that_move_change_the_etag() -> None:
    assert hours(TODAY).etag != hours(TODAY, EMPTY_COURSE).etag
