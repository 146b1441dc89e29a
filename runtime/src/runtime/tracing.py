"""Traces of a process that switched them on: what all processes set up alike (ADR 10).

Importing this imports OpenTelemetry, which costs memory and a tenth of a second; so it is imported
only when traces are on. Nothing here may slow or stop what is traced: spans wait in a bounded
queue, a thread sends them, and what a collector does not take is dropped.
"""

import threading
from collections.abc import Iterator, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.sampling import (
    ALWAYS_ON,
    ParentBased,
    Sampler,
    SamplingResult,
    TraceIdRatioBased,
)
from opentelemetry.trace import (
    Link,
    Span,
    SpanKind,
    Status,
    StatusCode,
    TraceState,
    format_span_id,
    format_trace_id,
    get_current_span,
)
from opentelemetry.util.types import Attributes

from runtime.logs import LastMessageHandler, Log, OncePerKindHandler, divert
from runtime.settings import redact_url

EXPORT_S: Final = 5.0
"""Seconds after which a batch that the collector does not take is dropped."""

CLOSE_S: Final = 2.0
"""Seconds a stopping process gives what has not been sent yet."""

MAX_LINKS: Final = 128
"""Links of one span: OpenTelemetry's own limit."""


class Tracing:
    """A tracer whose spans go to a collector. `close` it when nothing more is traced."""

    def __init__(self, service: str, endpoint: str, sample: float, log: Log) -> None:
        self._exporter = OutageLoggingExporter(
            OTLPSpanExporter(endpoint, timeout=EXPORT_S), endpoint, log
        )
        self._provider = TracerProvider(
            sampler=ParentBased(LinkFollowingSampler(TraceIdRatioBased(sample))),
            resource=Resource.create({SERVICE_NAME: service}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self.tracer = self._provider.get_tracer("obzvon")

    def close(self) -> None:
        """Send what is left. Blocks for up to `CLOSE_S`."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_S)
        self._exporter.shutdown()


class LinkFollowingSampler(Sampler):
    """Records what a recorded trace leads to, by links too; of the rest, the share asked for.

    Otherwise a trace would end at the first batch: that has many publishers, so it is not the child
    of any of them, only linked to them.
    """

    def __init__(self, rest: Sampler) -> None:
        self._rest = rest

    def should_sample(
        self,
        parent_context: Context | None,
        trace_id: int,
        name: str,
        kind: SpanKind | None = None,
        attributes: Attributes = None,
        links: Sequence[Link] | None = None,
        trace_state: TraceState | None = None,
    ) -> SamplingResult:
        is_followed = any(link.context.trace_flags.sampled for link in links or ())
        decide = ALWAYS_ON if is_followed else self._rest
        return decide.should_sample(
            parent_context, trace_id, name, kind, attributes, links, trace_state
        )

    def get_description(self) -> str:
        return f"Followed{{{self._rest.get_description()}}}"


class OutageLoggingExporter(SpanExporter):
    """Logs once when the collector no longer takes spans, and once when it does again.

    OpenTelemetry itself logs every attempt, and every queue that runs over.
    """

    def __init__(self, exporter: SpanExporter, endpoint: str, log: Log) -> None:
        self._exporter = exporter
        self._endpoint = redact_url(endpoint)
        self._log = log
        self._is_away = False
        self._is_closed = False
        self._why = LastMessageHandler()
        divert("opentelemetry.exporter", self._why)
        divert("opentelemetry", OncePerKindHandler(log, "traces_trouble"))

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        result = self._exporter.export(spans)
        is_away = result is not SpanExportResult.SUCCESS
        if is_away and not self._is_away and not self._is_closed:
            self._log.warning("traces_not_taken", endpoint=self._endpoint, reason=self._why.message)
        elif self._is_away and not is_away:
            self._log.info("traces_taken_again", endpoint=self._endpoint)
        self._is_away = is_away
        return result

    def shutdown(self) -> None:
        """Give up. Idempotent."""
        if not self._is_closed:
            self._is_closed = True
            self._exporter.shutdown()


@contextmanager
def marking_failure(span: Span) -> Iterator[Span]:
    """Within, an error marks the span as failed, with the error's type.

    Not with its message, as OpenTelemetry would: that may hold a name or an address.
    """
    try:
        yield span
    except Exception as error:
        mark_failed(span, type(error).__name__)
        raise


def mark_failed(span: Span, kind: str) -> None:
    """Mark the span as failed by an error of that kind."""
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def add_span_ids(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Write the ids of the active span into a log line; a processor of structlog."""
    context = get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format_trace_id(context.trace_id)
        event["span_id"] = format_span_id(context.span_id)
    return event
