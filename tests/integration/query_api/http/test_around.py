"""Everything around the endpoints: documentation, metrics, compression, request ids, problems."""

import asyncio
import gzip
import re
from itertools import product

import brotli
import pytest
from prometheus_client.parser import text_string_to_metric_families

from query_api.report.snapshot import Snapshot
from support.api import Api, running_api
from support.events import DAY, NOON, planned
from support.issuer import Issuer
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")

BROTLI = {"Accept-Encoding": "gzip;q=0.5, br"}


async def many_operators(writer: Writer, api: Api) -> None:
    await writer.write([planned(f"T{n}", operator=f"op-{n}") for n in range(50)])
    await api.up_to_date()


async def test_response_uses_the_content_coding_the_client_accepts(
    writer: Writer, api: Api
) -> None:
    await many_operators(writer, api)
    expected = {
        "br": "br",
        "gzip": "gzip",
        "gzip, deflate, br": "br",
        "gzip;q=1.0, br;q=0.2": "gzip",
        "*": "br",
        "br;q=0, gzip;q=0": None,
        "identity": None,
        "deflate": None,
        "": None,
        "br;q=x": None,
    }
    for path, (accepted, coding) in product(("/report", "/contacts"), expected.items()):
        url = f"/api/v1{path}?date={DAY}"
        async with api.client.stream("GET", url, headers={"Accept-Encoding": accepted}) as answer:
            raw = b"".join([chunk async for chunk in answer.aiter_raw()])

        decoded = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[coding](raw)
        assert answer.headers.get("content-encoding") == coding, accepted
        assert "Accept-Encoding" in answer.headers["vary"]
        assert decoded.startswith(b'{"')
        assert decoded.endswith(b"}")


async def test_all_content_codings_share_one_etag(writer: Writer, api: Api) -> None:
    await many_operators(writer, api)

    plain = await api.raw("/report", {"Accept-Encoding": "identity"}, date=DAY)
    packed = await api.raw("/report", BROTLI, date=DAY)
    again = await api.raw("/report", {**BROTLI, "If-None-Match": plain.headers["etag"]}, date=DAY)

    assert plain.json()["operators"] == packed.json()["operators"]
    assert plain.headers["etag"] == packed.headers["etag"]
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("given", "status"),
    [("*", 304), ('"x", {tag}', 304), ("{strong}", 304), ('"x"', 200), ("", 200), ("W/", 200)],
)
async def test_if_none_match_is_read_as_a_list(
    given: str, status: int, writer: Writer, api: Api
) -> None:
    tag = (await api.raw("/report", date=DAY)).headers["etag"]

    header = given.format(tag=tag, strong=tag.removeprefix("W/"))
    answer = await api.raw("/report", {"If-None-Match": header}, date=DAY)

    assert answer.status_code == status


async def test_documentation_page_loads_completely(api: Api) -> None:
    page = await api.client.get("/docs", headers={"Authorization": ""})

    assert page.status_code == 200
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) == 4
    for path in [*linked, "/openapi.json"]:
        answer = await api.client.get(path, headers={"Authorization": ""})
        assert answer.status_code == 200, path
        assert "text/plain" not in answer.headers["content-type"]


@pytest.mark.parametrize("name", ["LICENSE", "..%2f..%2fmain.py", "%2e%2e/main.py", "x"])
async def test_only_files_of_the_documentation_page_are_served(name: str, api: Api) -> None:
    assert (await api.client.get(f"/docs/{name}")).status_code in (401, 404)


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


@pytest.mark.parametrize("given", ["trace-0123456789", "a.b_c-d123"])
async def test_valid_request_id_is_kept(given: str, api: Api) -> None:
    answer = await api.raw("/report", {"X-Request-Id": given})

    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["x", "a b c d e f g h", "<script>alert(1)", "y" * 65])
async def test_invalid_request_id_is_replaced(given: str, api: Api) -> None:
    answer = await api.raw("/report", {"X-Request-Id": given})

    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


async def test_internal_error_is_a_problem_response_without_details(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(api.state.reports, "compute", broken)
    monkeypatch.setattr(api.client._transport, "raise_app_exceptions", False)

    answer = await api.raw("/report", date="2026-01-01")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


async def test_unknown_path_and_wrong_method_are_problem_responses(api: Api) -> None:
    unknown = await api.raw("/reports")
    wrong = await api.client.post("/api/v1/report")

    assert (unknown.status_code, wrong.status_code) == (404, 405)
    assert unknown.headers["content-type"] == "application/problem+json"
    assert wrong.headers["content-type"] == "application/problem+json"
    assert wrong.headers["allow"] == "GET"


async def test_one_refresh_serves_all_requests_for_a_cold_date(
    redis_url: str, writer: Writer, issuer: Issuer
) -> None:
    await writer.write([planned("T1", date="2026-11-20"), planned("T2")])
    async with running_api(redis_url, issuer, NOON) as api:
        await until(lambda: isinstance(api.state.mirror.snapshot, Snapshot))
        merges, reads = api.state.reports.merges, api.state.mirror.refreshes

        answers = await asyncio.gather(*(api.raw("/report", date="2026-11-20") for _ in range(50)))

        assert {answer.json()["totals"]["planned"] for answer in answers} == {1}
        assert api.state.reports.merges == merges + 1
        assert api.state.mirror.refreshes <= reads + 4
