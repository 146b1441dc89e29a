"""What the API measures of itself."""

import pytest
from prometheus_client.parser import text_string_to_metric_families

from support.api import Api
from support.events import DAY, planned
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def metric(api: Api, name: str, **labels: str) -> float:
    text = (await api.client.get("/metrics", headers={"Authorization": ""})).text
    return sum(
        sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )


async def test_requests_are_counted_by_route_and_status(writer: Writer, api: Api) -> None:
    asked = {"route": "/api/v1/report", "method": "GET", "status": "422"}
    before = await metric(api, "obzvon_api_requests_total", **asked)
    others = await metric(api, "obzvon_api_requests_total", route="other")
    timed = await metric(api, "obzvon_api_request_seconds_count", route="/api/v1/report")

    await api.raw("/report", date="x")
    await api.client.get("/api/v1/who-knows")

    assert await metric(api, "obzvon_api_requests_total", **asked) == before + 1
    assert await metric(api, "obzvon_api_requests_total", route="other") == others + 1
    assert await metric(api, "obzvon_api_request_seconds_count", route="/api/v1/report") == (
        timed + 1
    )


async def test_freshness_is_measured(writer: Writer, api: Api) -> None:
    await writer.sample(age_s=5, behind=2)
    await api.up_to_date()

    assert await metric(api, "obzvon_api_stale") == 0
    assert await metric(api, "obzvon_api_lag_events") == 8
    assert 5 <= await metric(api, "obzvon_api_as_of_age_seconds") < 8

    await writer.sample(age_s=60)
    await api.up_to_date()

    assert await metric(api, "obzvon_api_stale") == 1


async def test_delay_from_event_to_report_is_measured(writer: Writer, api: Api) -> None:
    await api.up_to_date()
    before = await metric(api, "obzvon_api_event_to_visible_seconds_count")

    await writer.write([planned("T1")])
    await api.up_to_date()

    assert await metric(api, "obzvon_api_event_to_visible_seconds_count") == before + 1
    assert await metric(api, "obzvon_api_event_to_visible_seconds_sum") < 60


async def test_metrics_distinguish_cached_reports_from_merged_ones(
    writer: Writer, api: Api
) -> None:
    merged = await metric(api, "obzvon_api_reports_total", how="merged")
    hits = await metric(api, "obzvon_api_reports_total", how="hit")

    for _ in range(4):
        await api.get("/report", date=DAY)

    assert await metric(api, "obzvon_api_reports_total", how="merged") == merged + 1
    assert await metric(api, "obzvon_api_reports_total", how="hit") == hits + 3
