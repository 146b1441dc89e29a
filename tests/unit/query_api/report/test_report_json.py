"""The report as JSON, its freshness and its ETag."""

import json
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from contracts.report import Report
from query_api.report.freshness import Freshness
from query_api.report.merge import merge
from query_api.report.report_json import ReportJson, freshness_json, report_json
from query_api.report.scope import EVERYTHING, Period, ReportQuery, Scope
from support.events import DAY, planned
from support.snapshots import snapshot_of

MOSCOW = ZoneInfo("Europe/Moscow")
NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FRESH = Freshness(1_795_521_599_870, 0, stale=False, why_stale=None)
STALE = Freshness(None, None, stale=True, why_stale="Redis is away")

EVENTS = [planned("T1", operator_name="Анна"), planned("T2", operator=None)]


def encoded(query: ReportQuery, since: str | None = None) -> ReportJson:
    snapshot = snapshot_of(EVENTS)
    merged = merge(snapshot, query.period, query.scope, query.operator_id, 0)
    return report_json(
        merged, snapshot.operators, query, timezone="Europe/Moscow", complete_since=since
    )


def whole(report: ReportJson, fresh: Freshness = FRESH) -> Any:
    return json.loads(report.with_freshness(freshness_json(fresh, NOW, MOSCOW)))


TODAY = ReportQuery(Period(DAY, DAY), is_range=False, scope=EVERYTHING, operator_id=None)


def test_the_parts_together_are_a_report() -> None:
    report = whole(encoded(TODAY))

    Report.model_validate(report)
    assert (report["date"], report["date_from"], report["date_to"]) == (DAY, DAY, DAY)
    assert report["computed_at"] == "2026-11-24T15:00:00+03:00"
    assert report["as_of"] == "2026-11-24T14:59:59.870+03:00"
    assert [line["operator"]["name"] for line in report["operators"]] == ["Анна", "Без оператора"]
    assert report["totals"]["planned"] == 2


def test_a_range_has_no_date_of_its_own_even_if_it_is_one_day() -> None:
    assert whole(encoded(TODAY._replace(is_range=True)))["date"] is None


def test_a_stale_report_says_why() -> None:
    report = whole(encoded(TODAY, "2026-11-01T00:00:00+00:00"), STALE)

    Report.model_validate(report)
    assert (report["as_of"], report["lag_events"]) == (None, None)
    assert (report["stale"], report["stale_reason"]) == (True, "Redis is away")
    assert report["complete_since"] == "2026-11-01T00:00:00+00:00"


def test_the_filters_are_repeated() -> None:
    query = TODAY._replace(scope=Scope("mgr-1", "none"), operator_id="op-1")

    assert whole(encoded(query))["filters"] == {
        "operator_id": "op-1",
        "manager_id": "mgr-1",
        "plan_date": "none",
    }


def test_the_etag_is_of_everything_but_the_freshness() -> None:
    restricted = TODAY._replace(scope=Scope(managers=frozenset({"mgr-1"})))

    assert encoded(TODAY).etag == encoded(TODAY).etag
    assert len({encoded(TODAY).etag, encoded(restricted).etag, encoded(TODAY, DAY).etag}) == 3
    assert encoded(TODAY).etag.startswith('W/"')
