"""The rows behind every figure sum up to it, with any filters."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from query_api.report.row_query import COUNTER_NAMES
from support.api import Api
from support.events import DAY
from support.golden import RULES, load
from support.issuer import Issuer
from support.report_laws import figure
from support.row_histories import DAYS, MANAGERS, OPERATORS, PLAN_DATES, histories
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def behind(api: Api, etag: str, **parameters: Any) -> int:
    """Returns the sum of the contributions of every page; each page is of the report with this ETag."""
    total, rows = 0, 0
    cursor: dict[str, str] = {}
    while True:
        page = await api.get("/contacts", limit=7, version=etag, **parameters, **cursor)
        total += sum(item["contribution"] for item in page["items"])
        rows += len(page["items"])
        assert page["version"] == etag
        if page["next_cursor"] is None:
            assert rows == page["total"]
            assert total == page["sum"]
            return int(total)
        cursor = {"cursor": page["next_cursor"]}


async def figures_of(api: Api, **parameters: Any) -> tuple[dict[str, Any], str]:
    """Returns the report's totals, and its ETag."""
    answer = await api.raw("/report", **parameters)
    return answer.json()["totals"], answer.headers["etag"]


async def test_the_rows_behind_a_figure_sum_to_it(writer: Writer, api: Api) -> None:
    for number, path in enumerate(RULES):
        events = load(path)["events"]
        for event in events:  # the rules share ids: keep them apart
            event["subject"] = f"{number}-{event['subject']}"
        await writer.write(events)
    await api.up_to_date()

    for dates in ({"date": DAY}, {"date_from": DAY, "date_to": "2026-11-26"}):
        report = await api.get("/report", **dates)
        for line in (None, *report["operators"]):
            asked = dates if line is None else {"operator_id": line["operator"]["id"], **dates}
            totals, etag = await figures_of(api, **asked)
            for counter in sorted(set(COUNTER_NAMES.values())):
                assert await behind(api, etag, counter=counter, **asked) == figure(totals, counter)


ids = st.none() | st.sampled_from([operator or "" for operator in OPERATORS])


managers = st.none() | st.sampled_from([manager or "" for manager in MANAGERS])


plan_dates = st.none() | st.sampled_from([date or "none" for date in PLAN_DATES])


restrictions = st.none() | st.lists(st.sampled_from([o or "" for o in OPERATORS]), unique=True)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    events=histories(tasks=6, steps=5),
    days=st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)),
    operator=ids,
    manager=managers,
    plan_date=plan_dates,
    restriction=restrictions,
)
async def test_figures_and_rows_agree_under_filters_ranges_and_restrictions(
    redis_url: str,
    client: Any,
    writer: Writer,
    api: Api,
    issuer: Issuer,
    events: list[dict[str, Any]],
    days: tuple[str, str],
    operator: str | None,
    manager: str | None,
    plan_date: str | None,
    restriction: list[str] | None,
) -> None:
    await client.flushall()
    await writer.start()
    await writer.write(events)
    await api.up_to_date()
    claims: dict[str, Any] = {} if restriction is None else {"obzvon_operators": restriction}
    api.client.headers["Authorization"] = f"Bearer {issuer.token('head', **claims)}"
    asked = {
        "date_from": min(days),
        "date_to": max(days),
        "operator_id": operator,
        "manager_id": manager,
        "plan_date": plan_date,
    }
    asked = {name: value for name, value in asked.items() if value is not None}

    totals, etag = await figures_of(api, **asked)

    for counter in sorted(set(COUNTER_NAMES.values())):
        assert await behind(api, etag, counter=counter, **asked) == figure(totals, counter)
