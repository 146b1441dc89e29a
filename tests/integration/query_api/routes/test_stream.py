"""GET /stream: the report as Server-Sent Events, over real connections."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import httpx
import pytest
import pytest_asyncio

from query_api import main, server
from query_api.live import channels
from support.api import Api, served_api
from support.events import DAY, NOON, called, planned
from support.issuer import Issuer
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def api(redis_url: str, writer: Writer, issuer: Issuer) -> AsyncIterator[Api]:
    async with served_api(redis_url, issuer, NOON, max_streams_per_caller=3) as running:
        yield running


class Event(NamedTuple):
    name: str
    id: str | None
    data: Any


async def events_of(answer: httpx.Response) -> AsyncIterator[Event]:
    fields: dict[str, str] = {}
    async for line in answer.aiter_lines():
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield Event(fields["event"], fields.get("id"), json.loads(fields["data"]))
            fields = {}
        else:
            fields = {}


@asynccontextmanager
async def listening_to(
    api: Api, headers: dict[str, str] | None = None, **parameters: str
) -> AsyncIterator[AsyncIterator[Event]]:
    async with api.client.stream(
        "GET", "/api/v1/stream", params={"date": DAY, **parameters}, headers=headers
    ) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield events_of(answer)


async def next_event(events: AsyncIterator[Event], name: str = "report") -> Event:
    async with asyncio.timeout(8):
        async for event in events:
            if event.name == name:
                return event
    raise AssertionError("the stream ended")


async def ended(events: AsyncIterator[Event]) -> bool:
    async with asyncio.timeout(8):
        async for _ in events:
            pass
    return True


async def test_stream_sends_a_report_at_once_and_after_every_change(
    api: Api, writer: Writer
) -> None:
    async with listening_to(api) as events:
        first = await next_event(events)
        await writer.write([planned("T1")])
        began = time.monotonic()
        second = await next_event(events)

    assert first.data["totals"]["planned"] == 0
    assert second.data["totals"]["planned"] == 1
    assert time.monotonic() - began < 0.5
    assert second.data.keys() == (await api.get("/report", date=DAY)).keys()


async def test_burst_of_changes_becomes_few_reports_ending_with_the_newest(
    api: Api, writer: Writer
) -> None:
    async with listening_to(api) as events:
        await next_event(events)
        began = time.monotonic()
        for number in range(30):
            await writer.write([planned(f"T{number}")])
        took = time.monotonic() - began
        seen: list[int] = []
        while not seen or seen[-1] < 30:
            seen.append((await next_event(events)).data["totals"]["planned"])

    assert seen == sorted(set(seen))
    assert len(seen) <= 2 + took / channels.COALESCE_S


async def test_passed_deadline_is_sent_as_a_change(api: Api, writer: Writer) -> None:
    await writer.write([planned("T1", due_at=f"{DAY}T12:30:00+03:00")])
    await api.up_to_date()
    async with listening_to(api) as events:
        before = await next_event(events)
        api.clock.now = f"{DAY}T12:30:00+03:00"
        after = await next_event(events)

    assert before.data["totals"]["active"]["total"] == 1
    assert after.data["totals"]["overdue"]["total"] == 1


async def test_deadline_is_shown_within_its_minute_in_real_time(api: Api, writer: Writer) -> None:
    deadline = datetime.fromisoformat(f"{DAY}T12:30:00+03:00")
    await writer.write([planned("T1", due_at=deadline.isoformat())])
    await api.up_to_date()
    async with listening_to(api) as events:
        before = await next_event(events)
        started = time.monotonic()

        def running() -> datetime:
            """Start the report's clock a second and a half before the deadline."""
            return deadline + timedelta(seconds=time.monotonic() - started - 1.5)

        api.state.reports._clock = running
        after = await next_event(events)
        seen_at = running()

    assert before.data["totals"]["active"]["total"] == 1
    assert after.data["totals"]["overdue"]["total"] == 1
    assert timedelta(0) <= seen_at - deadline < timedelta(seconds=0.3)


async def test_freshness_is_sent_at_once_and_repeatedly(
    api: Api, writer: Writer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "FRESHNESS_S", 0.2)
    async with listening_to(api) as events:
        first = await next_event(events, "freshness")
        await writer.sample(behind=3)
        told = await next_event(events, "freshness")
        while told.data["lag_events"] != 12:
            told = await next_event(events, "freshness")

    fresh = {"computed_at", "as_of", "lag_events", "stale", "stale_reason"}
    assert first.data.keys() == fresh | {"build"}


async def test_reconnecting_with_the_last_id_repeats_no_report(api: Api, writer: Writer) -> None:
    async with listening_to(api) as events:
        last = await next_event(events)
    assert last.id

    async with listening_to(api, {"Last-Event-ID": last.id}) as events:
        first = await anext(events)
        await writer.write([planned("T1")])
        changed = await next_event(events)

    assert first.name == "freshness"
    assert changed.data["totals"]["planned"] == 1


async def test_slow_reader_does_not_slow_others_and_gets_the_newest_report(
    api: Api, writer: Writer
) -> None:
    await writer.write(LARGE)
    await api.up_to_date()
    sent = api.state.channels
    slow, pen = await _unread_stream(api)
    async with listening_to(api) as fast:
        await next_event(fast)
        await until(lambda: sent.open == 2)
        for number in range(1, 13):
            await writer.write([called("T1", call_id=f"k{number}")])
            report = await next_event(fast)
            while report.data["totals"]["calls"] < number:
                report = await next_event(fast)
        _reading(pen).resume_reading()
        shown: list[int] = []
        while not shown or shown[-1] < 12:
            line = await asyncio.wait_for(slow.readline(), 8)
            if line.startswith(b'data: {"date"'):
                shown.append(json.loads(line[6:])["totals"]["calls"])
    pen.close()

    assert shown == sorted(set(shown))
    assert len(shown) < 12, "it skipped what was no longer the newest"


async def test_client_that_reads_nothing_for_a_minute_is_disconnected(
    redis_url: str, writer: Writer, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "STALLED_MS", 1_000)
    await writer.write(LARGE)
    async with served_api(redis_url, issuer, NOON) as api:
        _, pen = await _unread_stream(api)
        streams = api.state.channels
        await until(lambda: streams.open == 1)
        await until(lambda: streams.open == 0, within_s=15)
        pen.close()


LARGE = [planned(f"T{n}", operator=f"op-{n}", operator_name="Имя " * 500) for n in range(400)]
"""Make a report larger than the kernel's buffers, so that the API notices who does not read."""


async def _unread_stream(api: Api) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, pen = await asyncio.open_connection(sock=_small_socket(api), limit=2**24)
    pen.write(
        f"GET /api/v1/stream?date={DAY} HTTP/1.1\r\nHost: api.test\r\n"
        f"Authorization: {api.client.headers['Authorization']}\r\n\r\n".encode()
    )
    _reading(pen).pause_reading()
    return reader, pen


def _reading(pen: asyncio.StreamWriter) -> asyncio.Transport:
    """The socket's transport, which reads as well as it writes."""
    assert isinstance(pen.transport, asyncio.Transport)
    return pen.transport


def _small_socket(api: Api) -> socket.socket:
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.connect((api.client.base_url.host, api.client.base_url.port))
    return sock


async def test_one_report_is_computed_for_all_watching_clients(api: Api, writer: Writer) -> None:
    async with listening_to(api) as one, listening_to(api) as two, listening_to(api) as three:
        for events in (one, two, three):
            await next_event(events)
        merges = api.state.reports.merges
        await writer.write([planned("T1")])
        seen = [await next_event(events) for events in (one, two, three)]
        assert len(api.state.channels._channels) == 1

    assert {event.data["totals"]["planned"] for event in seen} == {1}
    assert api.state.reports.merges == merges + 1


async def test_number_of_streams_of_a_caller_is_limited(api: Api) -> None:
    async with listening_to(api), listening_to(api), listening_to(api):
        refused = await api.raw("/stream", date=DAY)

    assert refused.status_code == 429
    assert refused.headers["content-type"] == "application/problem+json"
    await until(lambda: api.state.channels.open == 0)
    async with listening_to(api) as events:
        assert await next_event(events)


async def test_number_of_streams_of_a_process_is_limited(
    redis_url: str, writer: Writer, issuer: Issuer
) -> None:
    async with (
        served_api(redis_url, issuer, NOON, max_streams=1) as api,
        listening_to(api),
    ):
        refused = await api.raw("/stream", date=DAY)

    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "30"


async def test_a_stream_ends_when_its_token_does(api: Api, issuer: Issuer) -> None:
    now = int(time.time())  # every token has a minute of leeway
    token = issuer.token("head", iat=now - 300, exp=now - 60 + 2)
    async with listening_to(api, {"Authorization": f"Bearer {token}"}) as events:
        assert await next_event(events)
        assert await ended(events)

    await until(lambda: api.state.channels.open == 0)


async def test_a_client_that_leaves_is_forgotten(api: Api) -> None:
    async with listening_to(api) as events:
        await next_event(events)
        assert api.state.channels.open == 1

    await until(lambda: api.state.channels.open == 0)
    assert api.state.channels._channels == {}


async def test_the_server_stops_under_open_streams(api: Api) -> None:
    async with listening_to(api) as events:
        await next_event(events)
        began = time.monotonic()
        api.server.should_exit = True
        assert await ended(events)
    await asyncio.wait_for(api.serving, 3)

    assert time.monotonic() - began < 3


async def test_a_wrong_parameter_of_a_stream_is_named(api: Api) -> None:
    answer = await api.raw("/stream", date="today")

    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["date"]


async def test_freshness_and_headers_name_the_build_of_the_page(
    redis_url: str, writer: Writer, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "page_build", lambda: "3f2a9c0d")
    async with served_api(redis_url, issuer, NOON) as api:
        report = await api.raw("/report", date=DAY)
        refused = await api.raw("/me", {"Authorization": ""})
        async with listening_to(api) as events:
            freshness = await next_event(events, "freshness")

    assert report.headers["obzvon-build"] == "3f2a9c0d"
    assert (refused.status_code, refused.headers["obzvon-build"]) == (401, "3f2a9c0d")
    assert freshness.data["build"] == "3f2a9c0d"


async def test_without_a_built_page_there_is_no_build(
    redis_url: str, writer: Writer, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(main, "page_build", lambda: None)
    async with served_api(redis_url, issuer, NOON) as api:
        report = await api.raw("/report", date=DAY)
        async with listening_to(api) as events:
            freshness = await next_event(events, "freshness")

    assert "obzvon-build" not in report.headers
    assert freshness.data["build"] is None
