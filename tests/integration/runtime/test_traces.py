"""Traces from publish to view, on real engines, as a collector receives them."""

import json
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog

from devkit.stack.ports import free_port
from projector.consumer.decode import partition_of
from support.api import running_api, served_api
from support.collector import Collector
from support.events import DAY, NOON, planned
from support.issuer import Issuer
from support.processes import obzvon, obzvon_up
from support.projecting import running_projector, shards_of
from support.publishing import send
from support.topics import Topic
from support.traces import CONSUMER, PRODUCER, SERVER, context, in_trace, shows, span_id, trace_id
from support.waiting import until


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
        await send(topic, [in_trace(planned("T1"), ours)])
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


async def test_every_recorded_event_leads_to_a_view_at_any_rate(
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
            await send(topic, [in_trace(planned(task), ours)])
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
                await send(topic, [in_trace(planned(f"T{tasks}"), ours)])
                async for line in lines:
                    data = json.loads(line.removeprefix("data: ")) if "totals" in line else None
                    if data and data["totals"]["planned"] == tasks:
                        break
    for ours in (first, second):
        names = [span.name for span in collector.reached_from(span_id(ours))]
        assert "push report" in names


async def test_nothing_is_sent_or_stored_if_traces_are_off(
    topic: Topic, redis_url: str, issuer: Issuer, collector: Collector
) -> None:
    async with (
        running_projector(topic, redis_url),
        running_api(redis_url, issuer, NOON) as api,
        shards_of(topic, redis_url) as shards,
    ):
        await send(topic, [in_trace(planned("T1"), context())])
        await until(lambda: shows(api, 1), 20)
        assert [meta.traces for meta in await shards.metas() if meta] == [None] * 4
    assert collector.spans == []


async def test_unreachable_collector_slows_nothing_and_is_logged_once(
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
                await send(topic, [in_trace(planned(f"T{number}"), context())])
                await until(lambda: shows(api, number), 20)  # noqa: B023 -- awaited at once

            def told() -> list[str]:
                return [str(line) for line in logged if line["event"] == "traces_not_taken"]

            await until(lambda: len(told()) == 2)
            for _ in range(50):
                await api.get("/report", date=DAY)
    assert len(told()) == 2, "once for each service"
    assert all("secret" not in line for line in told())


async def test_trace_of_a_running_stack_leads_from_publish_to_report(
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
