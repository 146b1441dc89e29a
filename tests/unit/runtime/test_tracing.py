"""Spans: which are recorded, and what is logged of a collector that is away."""

from collections.abc import Sequence
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import ALWAYS_OFF, Decision
from opentelemetry.trace import Link, SpanContext, TraceFlags

from runtime.trace_context import parse_traceparent, publisher_of, traceparent_of
from runtime.tracing import LinkFollowingSampler, OutageLoggingExporter

PARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
OTHER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b8-01"


class Collector(SpanExporter):
    def __init__(self) -> None:
        self.is_away = False

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        del spans
        return SpanExportResult.FAILURE if self.is_away else SpanExportResult.SUCCESS


class Kept:
    def __init__(self) -> None:
        self.events: list[str] = []
        self.fields: list[dict[str, Any]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.events.append(event)
        self.fields.append(fields)

    info = warning


def test_an_outage_of_the_collector_is_logged_once_and_its_end_once() -> None:
    log, collector = Kept(), Collector()
    exporter = OutageLoggingExporter(collector, "http://me:hunter2@collector:4318/v1/traces", log)
    for is_away in (False, True, True, False, False):
        collector.is_away = is_away
        exporter.export([])
    assert log.events == ["traces_not_taken", "traces_taken_again"]
    assert "hunter2" not in str(log.fields)


def test_after_shutdown_an_outage_is_not_logged() -> None:
    log, collector = Kept(), Collector()
    exporter = OutageLoggingExporter(collector, "http://collector:4318", log)
    exporter.shutdown()
    collector.is_away = True
    exporter.export([])
    assert log.events == []


def test_span_linked_to_a_recorded_one_is_recorded() -> None:
    sampler = LinkFollowingSampler(ALWAYS_OFF)
    recorded = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(TraceFlags.SAMPLED))
    other = SpanContext(1, 2, is_remote=True, trace_flags=TraceFlags(TraceFlags.DEFAULT))

    def is_recorded(*linked: SpanContext) -> bool:
        links = [Link(one) for one in linked]
        return (
            sampler.should_sample(None, 3, "chunk", links=links).decision
            is Decision.RECORD_AND_SAMPLE
        )

    assert is_recorded(other, recorded)
    assert not is_recorded(other)
    assert not is_recorded()


def test_malformed_traceparent_names_no_span() -> None:
    assert parse_traceparent("00-no-trace-01") is None
    found = parse_traceparent(PARENT)
    assert found is not None
    assert traceparent_of(found) == PARENT


def test_publisher_is_named_by_a_header_before_the_event() -> None:
    event = f'{{"traceparent":"{OTHER}"}}'.encode()

    def named(headers: Sequence[tuple[str, bytes | None]], value: bytes | None) -> str | None:
        found = publisher_of(headers, value)
        return traceparent_of(found) if found else None

    assert named([("traceparent", PARENT.encode())], event) == PARENT
    assert named([("ce_traceparent", PARENT.encode())], event) == PARENT
    assert named([], event) == OTHER
    assert named([], b'{"traceparent":1}') is None
    assert named([], b'not JSON, "traceparent"') is None
    assert named([], None) is None
