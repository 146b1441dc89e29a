"""GET /hours and /days over a real Redis whose shards were written by the projector's store."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.report import Days, Hours
from contracts.values import HOUR_MEASURES
from query_api.report.report_json import PROCESSED
from support.api import Api
from support.courses import without_empty
from support.events import DAY, called, failed, planned
from support.golden import GOLDEN, RULES, day_events, load
from support.issuer import Issuer
from support.row_histories import DAYS, MANAGERS, OPERATORS, PLAN_DATES, histories
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")

WEEK: dict[str, Any] = {"date_from": "2026-11-20", "date_to": "2026-11-26"}

Figures = dict[str, Any]


def sums(course: Figures) -> dict[str, int]:
    return {name: sum(bucket[name] for bucket in course["hours"]) for name in HOUR_MEASURES}


def figures_of(totals: Figures) -> dict[str, int]:
    """What a course sums to, as the report has it."""
    processed = sum(totals[name] for name in PROCESSED)
    return {**{name: totals[name] for name in HOUR_MEASURES[:-1]}, "processed": processed}


async def calls_of(api: Api, **parameters: str) -> int:
    return sums(await api.get("/hours", **{"date": DAY, **parameters}))["calls"]


def bearer(issuer: Issuer, **claims: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {issuer.token('head', sub='u-r', **claims)}"}


# --- what golden says -----------------------------------------------------------------------------


async def test_the_hours_of_the_golden_rules_are_answered(writer: Writer, api: Api) -> None:
    for path in RULES:
        rule = load(path)
        await writer.client.flushall()
        await writer.start()
        await writer.write(rule["events"])
        api.clock.now = rule["now"]
        await api.up_to_date()

        for date, expected in rule["hours"].items():
            course = await api.get("/hours", date=date)
            assert without_empty(course["hours"]) == expected, path.stem


async def test_the_hours_of_the_golden_days_are_answered(writer: Writer, api: Api) -> None:
    events = day_events()
    for first in range(0, len(events), 100):
        await writer.write(events[first : first + 100])
    await api.up_to_date()

    for expected in load(GOLDEN / "days" / "expected_hours.json")["hours"]:
        course = await api.get("/hours", date=expected["date"], **expected["filters"])
        assert course["hours"] == expected["hours"]


async def test_days_have_the_totals_that_each_day_s_report_gives_now(
    writer: Writer, api: Api
) -> None:
    for expected in load(GOLDEN / "days" / "expected.json")["reports"]:
        await writer.write(day_events()[:400])
        await api.up_to_date()
        api.clock.now = expected["now"]
        filters = expected["filters"]

        found = await api.get("/days", **WEEK, **filters)

        for day in found["days"]:
            assert day["totals"] == await api.totals(date=day["date"], **filters)


async def test_answers_match_the_contract(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1"), called("T1", "ordered"), planned("T2", operator=None)])
    await api.up_to_date()

    hours = await api.raw("/hours", date=DAY)
    days = await api.raw("/days", **WEEK)

    for answer, contract in ((hours, Hours), (days, Days)):
        read = contract.model_validate_json(answer.content, strict=False)
        assert json.loads(read.model_dump_json()).keys() == answer.json().keys()
        assert not read.stale


# --- sums -----------------------------------------------------------------------------------------


operators = st.sampled_from([operator or "" for operator in OPERATORS])
managers = st.sampled_from([manager or "" for manager in MANAGERS])
filters = st.fixed_dictionaries(
    {},
    optional={
        "operator_id": operators,
        "manager_id": managers,
        "plan_date": st.sampled_from([day or "none" for day in PLAN_DATES]),
    },
)
restrictions = st.fixed_dictionaries(
    {},
    optional={
        "obzvon_operators": st.lists(operators, unique=True),
        "obzvon_managers": st.lists(managers, unique=True),
    },
)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(histories(), filters, restrictions, st.sampled_from(DAYS))
async def test_each_column_sums_to_the_report_s_figure(
    writer: Writer,
    api: Api,
    issuer: Issuer,
    events: list[dict[str, Any]],
    chosen: dict[str, str],
    restriction: dict[str, list[str]],
    date: str,
) -> None:
    await writer.client.flushall()
    await writer.start()
    await writer.write(events)
    await api.up_to_date()
    caller = bearer(issuer, **restriction)

    report = await api.raw("/report", caller, date=date, **chosen)
    hours = await api.raw("/hours", caller, date=date, **chosen)
    days = await api.raw("/days", caller, date=date, **chosen)

    assert sums(hours.json()) == figures_of(report.json()["totals"])
    assert days.json()["days"] == [{"date": date, "totals": report.json()["totals"]}]


async def test_a_restricted_caller_gets_the_hours_of_own_contacts(
    writer: Writer, api: Api, issuer: Issuer
) -> None:
    await writer.write([planned("T1"), called("T1"), planned("T2", operator="op-2"), called("T2")])
    await writer.write([called("T2", at="11:00")])
    await api.up_to_date()
    own = bearer(issuer, obzvon_operators=["op-1"])

    hours = (await api.raw("/hours", own, date=DAY)).json()
    days = (await api.raw("/days", own, date=DAY)).json()
    foreign = (await api.raw("/hours", own, date=DAY, operator_id="op-2")).json()

    assert sums(hours)["calls"] == 1
    assert sums(foreign)["calls"] == 0
    assert days["days"][0]["totals"]["planned"] == 1
    assert await calls_of(api) == 3


# --- newness and what is cached -------------------------------------------------------------------


async def test_a_change_is_seen_as_soon_as_its_hint_arrives(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1")])
    await api.up_to_date()
    assert await calls_of(api) == 0

    async def shows_the_call() -> bool:
        return await calls_of(api) == 1

    await writer.write([called("T1")])

    await until(shows_the_call, within_s=0.5, every_s=0.001)


@pytest.mark.parametrize("path", ["/hours", "/days"])
async def test_matching_etag_gets_304_until_a_figure_changes(
    path: str, writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await api.up_to_date()
    first = await api.raw(path, date=DAY)
    tag = {"If-None-Match": first.headers["etag"]}
    merges = api.state.courses.merges

    await writer.sample()
    await writer.write([planned("T9", date="2026-12-31")])
    await api.up_to_date()
    same = await api.raw(path, tag, date=DAY)
    computed = api.state.courses.merges
    await writer.write([failed("T1", "refused")])
    await api.up_to_date()
    changed = await api.raw(path, tag, date=DAY)

    assert (same.status_code, same.content) == (304, b"")
    assert computed == merges, "neither a look at Redis nor a later date changes it"
    assert same.headers["obzvon-as-of"]
    assert same.headers["obzvon-lag-events"] == "0"
    assert same.headers["cache-control"] == "private, no-cache"
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag["If-None-Match"]


async def test_deadline_moves_days_but_not_hours(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1", due_at=f"{DAY}T12:30:00+03:00")])
    await api.up_to_date()
    before = await tags(api)
    api.clock.now = f"{DAY}T12:30:00+03:00"
    after = await tags(api)

    assert after["/hours"] == before["/hours"]
    assert after["/days"] != before["/days"]


async def tags(api: Api) -> dict[str, str]:
    answers = {path: await api.raw(path, date=DAY) for path in ("/hours", "/days")}
    return {path: answer.headers["etag"] for path, answer in answers.items()}


async def test_freshness_is_in_the_body_and_in_the_headers(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1")])
    await writer.sample(age_s=3600)
    await api.up_to_date()

    for path in ("/hours", "/days"):
        answer = await api.raw(path, date=DAY)
        assert answer.json()["stale"] is True
        assert answer.json()["stale_reason"]
        assert answer.headers["obzvon-as-of"] == answer.json()["as_of"]
        assert answer.headers["obzvon-lag-events"] == ""


# --- parameters -----------------------------------------------------------------------------------


async def test_without_a_date_it_is_today_in_the_business_time_zone(
    writer: Writer, api: Api
) -> None:
    api.clock.now = "2026-11-23T21:30:00+00:00"

    assert (await api.get("/hours"))["date"] == "2026-11-24"
    assert [day["date"] for day in (await api.get("/days"))["days"]] == ["2026-11-24"]


async def test_range_of_92_days_is_answered_and_a_longer_one_is_not(
    writer: Writer, api: Api
) -> None:
    days = await api.get("/days", date_from="2026-09-01", date_to="2026-12-01")
    longer = await api.raw("/days", date_from="2026-09-01", date_to="2026-12-02")

    assert len(days["days"]) == 92
    assert wrong(longer) == ["date_to"]


async def test_hours_are_of_one_date(api: Api) -> None:
    assert wrong(await api.raw("/hours", **WEEK)) == ["date_from", "date_to"]
    assert wrong(await api.raw("/hours", date="2026-02-30")) == ["date"]


def wrong(answer: httpx.Response) -> list[str]:
    assert answer.status_code == 422, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    return [error["field"] for error in answer.json()["errors"]]


# --- a generation of the version before -----------------------------------------------------------


async def test_a_generation_without_hours_has_a_report_but_no_course(
    writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1"), called("T1")])
    current = writer.fingerprint
    writer.fingerprint = current.model_copy(update={"fold": 1})
    await writer.go_live()
    await api.up_to_date()

    refused = await api.raw("/hours", date=DAY)
    days = await api.get("/days", date=DAY)
    totals = await api.totals()
    writer.fingerprint = current
    await writer.go_live()
    await api.up_to_date()

    assert refused.status_code == 503
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.headers["retry-after"] == "60"
    assert "upgrade the projector" in refused.json()["detail"]
    assert days["days"][0]["totals"] == totals
    assert totals["calls"] == 1
    assert await calls_of(api) == 1
