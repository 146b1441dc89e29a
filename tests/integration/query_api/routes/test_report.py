"""GET /report over a real Redis whose shards were written by the projector's store."""

import json
from typing import Any

import pytest

from contracts.report import Report
from support.api import Api
from support.events import DAY, called, failed, planned
from support.golden import GOLDEN, RULES, day_events, load
from support.issuer import Issuer
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_the_golden_rules_are_answered(writer: Writer, api: Api) -> None:
    for path in RULES:
        rule = load(path)
        await writer.client.flushall()
        await writer.start()
        await writer.write(rule["events"])
        api.clock.now = rule["now"]
        await api.up_to_date()

        for date, expected in rule["report"].items():
            assert await api.report(date=date) == expected, path.stem


async def test_the_golden_days_are_answered(writer: Writer, api: Api) -> None:
    events = day_events()
    for first in range(0, len(events), 100):
        await writer.write(events[first : first + 100])
    await api.up_to_date()

    for expected in load(GOLDEN / "days" / "expected.json")["reports"]:
        api.clock.now = expected["now"]
        assert (
            await api.report(date=expected["date"], **expected["filters"])
            == (expected["operators"])
        )


async def test_report_matches_the_contract(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1"), called("T1", "ordered"), planned("T2", operator=None)])
    await api.up_to_date()

    answer = await api.raw("/report", date=DAY)

    report = Report.model_validate_json(answer.content, strict=False)
    assert json.loads(report.model_dump_json()).keys() == answer.json().keys()
    assert report.totals.planned == 2
    assert not report.stale
    assert report.lag_events == 0
    assert [line.operator.name for line in report.operators] == ["Оператор op-1", "Без оператора"]


async def test_a_change_is_seen_as_soon_as_its_hint_arrives(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1")])
    await until(lambda: api.shows_planned(1))

    reads = api.state.mirror.refreshes
    await writer.write([planned("T2"), planned("T3")])
    await until(lambda: api.shows_planned(3), within_s=0.5, every_s=0.001)

    assert api.state.mirror.refreshes > reads


async def test_an_unchanged_report_is_computed_once(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1")])
    await api.up_to_date()
    reports = api.state.reports

    first = await api.raw("/report", date=DAY)
    merges = reports.merges
    await api.up_to_date()
    await writer.write([planned("T9", date="2026-12-31")])
    await api.up_to_date()
    second = await api.raw("/report", date=DAY)

    assert reports.merges == merges, "neither a look at Redis nor a later date changes this report"
    assert first.headers["etag"] == second.headers["etag"]


async def test_matching_etag_gets_304_until_a_figure_changes(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1")])
    await api.up_to_date()
    tag = {"If-None-Match": (await api.raw("/report", date=DAY)).headers["etag"]}

    await writer.sample()
    await api.up_to_date()
    same = await api.raw("/report", tag, date=DAY)
    await writer.write([failed("T1", "refused")])
    await api.up_to_date()
    changed = await api.raw("/report", tag, date=DAY)

    assert same.status_code == 304
    assert same.content == b""
    assert same.headers["obzvon-as-of"]
    assert same.headers["obzvon-lag-events"] == "0"
    assert same.headers["cache-control"] == "private, no-cache"
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag["If-None-Match"]


async def test_etag_differs_between_dates_and_filters(writer: Writer, api: Api) -> None:
    await writer.start()
    asked: list[dict[str, Any]] = [
        {"date": DAY},
        {"date": "2026-11-25"},
        {"date_from": DAY, "date_to": DAY},
        {"date": DAY, "manager_id": ""},
        {"date": DAY, "operator_id": "op-1"},
        {"date": DAY, "plan_date": "none"},
    ]

    tags = [(await api.raw("/report", **one)).headers["etag"] for one in asked]

    assert len(set(tags)) == len(tags)


async def test_etag_differs_between_restrictions(writer: Writer, api: Api, issuer: Issuer) -> None:
    restricted = {"Authorization": f"Bearer {issuer.token('head', obzvon_operators=['op-9'])}"}

    mine = await api.raw("/report", date=DAY)
    theirs = await api.raw("/report", restricted, date=DAY)

    assert mine.json()["operators"] == theirs.json()["operators"] == []
    assert mine.headers["etag"] != theirs.headers["etag"]


async def test_deadline_makes_a_contact_overdue_without_any_write(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1", due_at=f"{DAY}T12:30:00+03:00")])
    await api.up_to_date()
    before = await api.report(date=DAY)
    api.clock.now = f"{DAY}T12:30:00+03:00"
    after = await api.report(date=DAY)

    assert before["op-1"]["active"]["total"] == 1
    assert after["op-1"]["active"]["total"] == 0
    assert after["op-1"]["overdue"] == {
        "planned": 1,
        "postponed": 0,
        "dropped": 0,
        "total": 1,
        "carried": 0,
    }


async def test_report_without_a_date_is_for_today_in_the_business_time_zone(
    writer: Writer, api: Api
) -> None:
    api.clock.now = "2026-11-23T21:30:00+00:00"

    assert (await api.get("/report"))["date"] == "2026-11-24"


async def test_filters_choose_contacts_without_a_manager_or_plan_date(
    writer: Writer, api: Api
) -> None:
    await writer.write(
        [
            planned("T1", plan_date="2026-11-25"),
            planned("T2", manager=None, plan_date="2026-11-25"),
            planned("T3", manager=None),
        ]
    )
    await api.up_to_date()

    async def planned_with(**filters: str) -> int:
        report = await api.get("/report", date=DAY, **filters)
        return int(report["totals"]["planned"])

    assert await planned_with(manager_id="") == 2
    assert await planned_with(manager_id="mgr-1") == 1
    assert await planned_with(plan_date="none") == 1
    assert await planned_with(plan_date="2026-11-25", manager_id="") == 1
    assert await planned_with(operator_id="") == 0


WRONG = [
    ("date=2026-02-30", "date"),
    ("date=24.11.2026", "date"),
    ("date=", "date"),
    ("date=2026-11-24&date=2026-11-25", "date"),
    ("date=2026-11-24&date_from=2026-11-24&date_to=2026-11-24", "date"),
    ("date_from=2026-11-24", "date_to"),
    ("date_to=2026-11-24", "date_from"),
    ("date_from=2026-11-24&date_to=2026-11-23", "date_to"),
    ("date_from=2026-01-01&date_to=2026-04-03", "date_to"),
    ("plan_date=soon", "plan_date"),
    ("operator=op-1", "operator"),
    (f"manager_id={'x' * 129}", "manager_id"),
]


async def test_a_wrong_parameter_is_named(api: Api) -> None:
    for query, field in WRONG:
        answer = await api.client.get(f"/api/v1/report?{query}")

        assert answer.status_code == 422, query
        assert answer.headers["content-type"] == "application/problem+json"
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_a_range_of_92_days_is_answered(writer: Writer, api: Api) -> None:
    await writer.write([planned(f"T{day}", date=f"2026-11-{day:02}") for day in range(1, 31)])
    await api.up_to_date()

    answer = await api.get("/report", date_from="2026-09-01", date_to="2026-12-01")

    assert answer["date"] is None
    assert answer["totals"]["planned"] == 30


async def test_names_follow_the_latest_event(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1", operator_name="Иванова Анна")])
    await api.up_to_date()
    before = await api.get("/report", date=DAY)
    await writer.write([planned("T2", operator_name="Петрова Анна", at="09:00", date="2026-12-30")])
    await api.up_to_date()
    after = await api.get("/report", date=DAY)

    assert before["operators"][0]["operator"]["name"] == "Иванова Анна"
    assert after["operators"][0]["operator"]["name"] == "Петрова Анна"


async def test_without_a_token_there_is_no_report(api: Api) -> None:
    answer = await api.client.get("/api/v1/report", headers={"Authorization": ""})

    assert answer.status_code == 401
