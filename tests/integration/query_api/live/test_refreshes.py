"""Requests share the refreshes that they need."""

import asyncio

import pytest

from query_api.report.snapshot import Snapshot
from support.api import running_api
from support.events import NOON, planned
from support.issuer import Issuer
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


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
