"""Traces from publish to view: on real engines, seen by whoever collects them."""

import json
import secrets
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import pytest_asyncio
import structlog

from devkit.stack.ports import free_port
from projector.consumer.decode import partition_of
from support.api import Api, running_api, served_api
from support.collector import Collector, running_collector
from support.events import DAY, called, planned
from support.issuer import Issuer, running_issuer
from support.processes import obzvon, obzvon_up
from support.projecting import running_projector, shards_of
from support.publishing import Record, record_of, send
from support.topics import Topic
from support.waiting import until

NOON = f"{DAY}T12:00:00+03:00"
SERVER, PRODUCER, CONSUMER = 2, 4, 5


@pytest.fixture
def collector(monkeypatch: pytest.MonkeyPatch) -> Iterator[Collector]:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with running_collector() as running:
        yield running


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        yield running


def context(*, is_recorded: bool = True) -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{'01' if is_recorded else '00'}"


def span_id(traceparent: str) -> str:
    return traceparent.split("-")[2]


def trace_id(traceparent: str) -> str:
    return traceparent.split("-")[1]


async def shows(api: Api, tasks: int) -> bool:
    answer = await api.raw("/report", date=DAY)
    return bool(answer.status_code == 200 and answer.json()["totals"]["planned"] == tasks)


def headed(event: dict[str, Any], traceparent: str) -> Record:
    key, value, more = record_of(event)
    return key, value, {**more, "headers": [("traceparent", traceparent.encode())]}


async def test_a_trace_leads_from_the_publisher_to_the_request_that_shows_its_event(
    topic: Topic, redis_url: str, issuer: Issuer, collector: Collector
) -> None:
    on: dict[str, Any] = {"traces_endpoint": collector.url}
    ours = context()
    async with (
        running_projector(topic, redis_url, **on),
        running_api(redis_url, issuer, NOON, **on) as api,
    ):
        await until(lambda: shows(api, 0), 20)
        await send(topic, [headed(planned("T1"), ours)])
        await until(lambda: shows(api, 1), 20)

    (told,) = collector.children(span_id(ours))
    assert (told.service, told.trace, told.kind) == ("obzvon-projector", trace_id(ours), CONSUMER)
    (chunk,) = collector.linked_to(span_id(ours))
    assert told.links == (chunk.id,)
    assert chunk.name == f"process {topic.events}"
    assert chunk.kind == CONSUMER
    assert chunk.attributes["messaging.system"] == "kafka"
    assert chunk.attributes["messaging.destination.name"] == topic.events
    assert chunk.attributes["messaging.destination.partition.id"] == str(partition_of(b"T1", 4))
    assert chunk.attributes["messaging.consumer.group.name"] == f"{topic.events}.g1"
    assert chunk.attributes["messaging.batch.message_count"] == 1
    parts = {span.name: span for span in collector.children(chunk.id)}
    assert set(parts) == {"decode", "fold", "write", "refresh"}
    refresh = parts["refresh"]
    assert refresh.service == "obzvon-query-api"
    (request,) = [s for s in collector.linked_to(refresh.id) if s.name == "GET /api/v1/report"]
    assert request.kind == SERVER
    assert request.attributes["http.response.status_code"] == 200
    (merge,) = collector.children(refresh.id)
    assert (merge.name, merge.links) == ("merge report", (request.id,))
    assert not any(span.error for span in collector.reached_from(span_id(ours)))


async def test_every_recorded_event_leads_to_a_view_however_fast_they_come(
    topic: Topic, redis_url: str, issuer: Issuer, collector: Collector
) -> None:
    on: dict[str, Any] = {"traces_endpoint": collector.url, "traces_sample": 0}
    contexts = {f"T{number}": context() for number in range(40)}
    async with (
        running_projector(topic, redis_url, **on),
        running_api(redis_url, issuer, NOON, **on) as api,
    ):
        await until(lambda: shows(api, 0), 20)
        for number, (task, ours) in enumerate(contexts.items(), 1):
            await send(topic, [headed(planned(task), ours)])
            if number % 7 == 0:
                await until(lambda: shows(api, number), 20)  # noqa: B023 -- awaited at once
        await until(lambda: shows(api, len(contexts)), 20)
    lost = [
        task
        for task, ours in contexts.items()
        if not {"merge report", "GET /api/v1/report"}
        <= {span.name for span in collector.reached_from(span_id(ours))}
    ]
    assert lost == []


async def test_a_trace_leads_to_the_stream_that_shows_its_event_first(
    topic: Topic, redis_url: str, issuer: Issuer, collector: Collector
) -> None:
    on: dict[str, Any] = {"traces_endpoint": collector.url, "traces_sample": 0}
    first, second = context(), context()
    async with (
        running_projector(topic, redis_url, **on),
        served_api(redis_url, issuer, NOON, **on) as api,
    ):
        await until(lambda: shows(api, 0), 20)
        async with api.client.stream("GET", "/api/v1/stream", params={"date": DAY}) as stream:
            lines = stream.aiter_lines()
            for tasks, ours in enumerate((first, second), 1):
                await send(topic, [headed(planned(f"T{tasks}"), ours)])
                async for line in lines:
                    data = json.loads(line.removeprefix("data: ")) if "totals" in line else None
                    if data and data["totals"]["planned"] == tasks:
                        break
    for ours in (first, second):
        names = [span.name for span in collector.reached_from(span_id(ours))]
        assert "push report" in names


@pytest.mark.parametrize("mode", ["extension", "binary"])
async def test_an_event_may_bear_its_trace_itself(
    mode: str, topic: Topic, redis_url: str, collector: Collector
) -> None:
    ours, event = context(), planned("T1")
    if mode == "extension":
        record = record_of({**event, "traceparent": ours, "tracestate": "vendor=1"})
    else:
        names = ("specversion", "id", "source", "type", "subject", "time")
        headers = [(f"ce_{name}", event[name].encode()) for name in names]
        headers += [("ce_traceparent", ours.encode()), ("content-type", b"application/json")]
        key, _, more = record_of(event)
        record = (key, json.dumps(event["data"]).encode(), {**more, "headers": headers})
    async with (
        running_projector(topic, redis_url, traces_endpoint=collector.url, traces_sample=0),
        shards_of(topic, redis_url) as shards,
    ):
        await send(topic, [record])
        await shards.caught_up()
        assert await shards.dead() == {}
    assert [span.name for span in collector.linked_to(span_id(ours))] == [f"process {topic.events}"]


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        b"00-" + b"0" * 32 + b"-" + b"1" * 16 + b"-01",
        b"00-" + b"A" * 32 + b"-" + b"1" * 16 + b"-01",
        b"ff-" + b"1" * 32 + b"-" + b"1" * 16 + b"-01",
        b"\xff\x00" * 4_000,
    ],
)
async def test_a_malformed_context_is_ignored_and_its_event_counts(
    malformed: bytes, topic: Topic, redis_url: str, collector: Collector
) -> None:
    event = planned("T1")
    event["traceparent"] = {"not": ["text"]}
    state = ("tracestate", b"=,=;\xff" * 500)
    key, value, more = record_of(event)
    headed_ = (key, value, {**more, "headers": [("traceparent", malformed), state]})
    plain = record_of(called("T1"))
    async with (
        running_projector(topic, redis_url, traces_endpoint=collector.url),
        shards_of(topic, redis_url) as shards,
    ):
        await send(topic, [headed_, plain])
        await shards.caught_up()
        assert await shards.dead() == {}
        cells = await shards.client.hvals(shards.keys[partition_of(b"T1", 4)].cells(DAY))
    assert [value.split(b",")[:2] for value in cells] == [[b"1", b"1"]]
    chunks = collector.named(f"process {topic.events}")
    assert sum(chunk.attributes["messaging.batch.message_count"] for chunk in chunks) == 2
    assert all(chunk.links == () for chunk in chunks)


async def test_only_recorded_contexts_are_linked_and_no_more_than_a_span_can_have(
    topic: Topic, redis_url: str, collector: Collector
) -> None:
    recorded = [context() for _ in range(200)]
    records = [headed(planned("T1"), one) for one in recorded]
    records += [headed(planned("T1"), context(is_recorded=False)) for _ in range(20)]
    await send(topic, records)
    async with (
        running_projector(topic, redis_url, traces_endpoint=collector.url),
        shards_of(topic, redis_url) as shards,
    ):
        await shards.caught_up()
    chunks = [s for s in collector.named(f"process {topic.events}") if not s.parent]
    links = [link for chunk in chunks for link in chunk.links]
    assert max(len(chunk.links) for chunk in chunks) <= 128
    assert len(set(links)) == len(links) >= 128
    assert set(links) <= {span_id(one) for one in recorded}


async def test_nothing_of_a_span_is_personal(
    topic: Topic, redis_url: str, issuer: Issuer, collector: Collector
) -> None:
    on: dict[str, Any] = {"traces_endpoint": collector.url}
    ours = context()
    secret = planned("T1", client_name="Тайный", address_text="Тайная, 1", operator_name="Тайна")
    async with (
        running_projector(topic, redis_url, **on),
        served_api(redis_url, issuer, NOON, **on) as api,
    ):
        await send(topic, [headed(secret, ours), headed({**secret, "data": "Тайный"}, ours)])
        await until(lambda: shows(api, 1), 20)
        await api.get("/contacts", date=DAY, q="Тайн")
        await api.client.get("/Тайный")
    everything = repr(collector.spans)
    assert "GET /api/v1/contacts" in everything
    assert "Тайн" not in everything
    assert "%D0%A2" not in everything
    assert "127.0.0.1" not in everything


async def test_a_request_goes_on_with_its_caller_s_trace(
    topic: Topic, redis_url: str, issuer: Issuer, collector: Collector
) -> None:
    ours, silent = context(), context(is_recorded=False)
    async with (
        running_projector(topic, redis_url),
        served_api(redis_url, issuer, NOON, traces_endpoint=collector.url) as api,
    ):
        await until(lambda: shows(api, 0), 20)
        for given, id_ in ((ours, "continued"), (silent, "unrecorded"), ("00-1", "malformed")):
            headers = {"traceparent": given, "X-Request-Id": id_}
            assert (await api.raw("/report", headers, date=DAY)).status_code == 200
        refused = await api.raw("/report", {"Authorization": "Bearer x", "traceparent": ours})
        assert refused.status_code == 401
    (first, second) = collector.children(span_id(ours))
    assert {first.trace, second.trace} == {trace_id(ours)}
    assert first.attributes["obzvon.request_id"] == "continued"
    assert second.attributes["http.response.status_code"] == 401
    assert collector.children(span_id(silent)) == []
    requests = {span.attributes.get("obzvon.request_id"): span for span in collector.spans}
    assert requests["malformed"].parent == ""
    assert "unrecorded" not in requests


async def test_log_lines_bear_the_trace_beside_the_request_id(
    redis_url: str, issuer: Issuer, collector: Collector, capsys: pytest.CaptureFixture[str]
) -> None:
    from runtime.logs import configure_logs

    ours = context()
    configure_logs("info", traced=True)
    try:
        async with running_api(redis_url, issuer, NOON, traces_endpoint=collector.url) as api:
            await api.raw("/nothing", {"traceparent": ours, "X-Request-Id": "abcdefgh"})
    finally:
        structlog.reset_defaults()
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    (line,) = [one for one in logged if one["event"] == "request"]
    (span,) = collector.children(span_id(ours))
    assert line["request_id"] == "abcdefgh"
    assert (line["trace_id"], line["span_id"]) == (trace_id(ours), span.id)


async def test_where_they_are_off_nothing_is_sent_or_written(
    topic: Topic, redis_url: str, issuer: Issuer, collector: Collector
) -> None:
    async with (
        running_projector(topic, redis_url),
        running_api(redis_url, issuer, NOON) as api,
        shards_of(topic, redis_url) as shards,
    ):
        await send(topic, [headed(planned("T1"), context())])
        await until(lambda: shows(api, 1), 20)
        assert [meta.traces for meta in await shards.metas() if meta] == [None] * 4
    assert collector.spans == []


async def test_a_collector_that_is_away_slows_nothing_and_is_told_of_once(
    topic: Topic, redis_url: str, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "20")
    monkeypatch.setattr("runtime.tracing.EXPORT_S", 0.05)
    away = {"traces_endpoint": f"http://user:secret@127.0.0.1:{free_port()}"}
    with structlog.testing.capture_logs() as logged:
        async with (
            running_projector(topic, redis_url, **away),
            running_api(redis_url, issuer, NOON, **away) as api,
        ):
            for number in range(1, 6):
                await send(topic, [headed(planned(f"T{number}"), context())])
                await until(lambda: shows(api, number), 20)  # noqa: B023 -- awaited at once

            def told() -> list[str]:
                return [str(line) for line in logged if line["event"] == "traces_not_taken"]

            await until(lambda: len(told()) == 2)
            for _ in range(50):
                await api.get("/report", date=DAY)
    assert len(told()) == 2, "once for each service"
    assert all("secret" not in line for line in told())


async def test_from_the_command_that_publishes_to_a_report_of_the_running_stack(
    tmp_path: Path, collector: Collector
) -> None:
    on = {"OBZVON_TRACES_ENDPOINT": collector.url, "OBZVON_RETENTION_DAYS": "36500"}
    async with obzvon_up(tmp_path / "data", env=on) as stack:
        token = (await stack.obzvon("token", "--role", "head")).out.strip()
        url = f"{stack.state.api}/api/v1/report?date={DAY}"
        headers = {"Authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(headers=headers, trust_env=False) as client:

            async def is_shown() -> bool:
                return bool((await client.get(url)).json()["totals"]["planned"])

            assert not await is_shown()
            ended = await obzvon(
                *("publish", "-", "--timestamps", "event", "--data-dir", stack.data_dir),
                stdin=json.dumps(planned("T1")).encode(),
                env=on,
            )
            await until(is_shown)
        assert await stack.stop() == 0
        logged = (stack.data_dir / "logs" / "projector.log").read_text("utf-8")
    (sent,) = [span for span in collector.spans if span.service == "obzvon-publisher"]
    assert (ended.code, ended.out) == (0, f"published 1 event; trace {sent.trace}\n")
    assert (sent.name, sent.kind) == ("send task-events", PRODUCER)
    assert sent.attributes["messaging.kafka.offset"] == 0
    reached = {span.name: span for span in collector.reached_from(sent.id)}
    assert reached["GET /api/v1/report"].service == "obzvon-query-api"
    assert "trace" not in "".join(json.loads(line)["event"] for line in logged.splitlines())
