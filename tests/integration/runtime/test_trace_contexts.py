"""Which trace contexts are accepted, and that no personal data is sent."""

import json
from typing import Any

import pytest
import structlog

from projector.consumer.decode import partition_of
from support.api import running_api, served_api
from support.collector import Collector
from support.events import DAY, NOON, called, planned
from support.issuer import Issuer
from support.projecting import running_projector, shards_of
from support.publishing import record_of, send
from support.topics import Topic
from support.traces import context, in_trace, shows, span_id, trace_id
from support.waiting import until


@pytest.mark.parametrize("mode", ["extension", "binary"])
async def test_event_may_carry_its_trace_in_its_attributes(
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
    records = [in_trace(planned("T1"), one) for one in recorded]
    records += [in_trace(planned("T1"), context(is_recorded=False)) for _ in range(20)]
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


async def test_spans_contain_no_personal_data(
    topic: Topic, redis_url: str, issuer: Issuer, collector: Collector
) -> None:
    on: dict[str, Any] = {"traces_endpoint": collector.url}
    ours = context()
    secret = planned("T1", client_name="Тайный", address_text="Тайная, 1", operator_name="Тайна")
    async with (
        running_projector(topic, redis_url, **on),
        served_api(redis_url, issuer, NOON, **on) as api,
    ):
        await send(topic, [in_trace(secret, ours), in_trace({**secret, "data": "Тайный"}, ours)])
        await until(lambda: shows(api, 1), 20)
        await api.get("/contacts", date=DAY, q="Тайн")
        await api.client.get("/Тайный")
    everything = repr(collector.spans)
    assert "GET /api/v1/contacts" in everything
    assert "Тайн" not in everything
    assert "%D0%A2" not in everything
    assert "127.0.0.1" not in everything


async def test_request_continues_the_trace_of_its_caller(
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


async def test_log_lines_have_the_trace_alongside_the_request_id(
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
