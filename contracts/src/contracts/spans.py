"""Traces for the processes that switched them on: what all of them set up alike (ADR 10).

Importing this imports OpenTelemetry, which costs memory and a tenth of a second; so it is imported
only when traces are on. Nothing here may slow or stop what is traced: spans wait in a bounded
queue, a thread sends them, and what a collector does not take is dropped.
"""

import logging
import threading
from collections.abc import Mapping, MutableMapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol

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
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceState,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from opentelemetry.util.types import Attributes
from pydantic_core import from_json

EXPORT_S: Final = 5.0
"""Seconds after which a batch that the collector does not take is dropped."""

CLOSE_S: Final = 2.0
"""Seconds a stopping process gives what has not been sent yet."""

MAX_LINKS: Final = 128
"""Links of one span: OpenTelemetry's own limit."""

MAX_TROUBLES: Final = 32
"""Kinds of trouble within OpenTelemetry that are told, each once."""

_W3C: Final = TraceContextTextMapPropagator()


class Log(Protocol):
    """What trouble is told to: a structlog logger."""

    def warning(self, event: str, **fields: Any) -> Any: ...
    def info(self, event: str, **fields: Any) -> Any: ...


class Tracing:
    """A tracer whose spans go to a collector. `close` it when nothing is traced any more."""

    def __init__(self, service: str, endpoint: str, sample: float, log: Log) -> None:
        self._exporter = _Told(OTLPSpanExporter(endpoint, timeout=EXPORT_S), endpoint, log)
        self._provider = TracerProvider(
            sampler=ParentBased(_Followed(TraceIdRatioBased(sample))),
            resource=Resource.create({SERVICE_NAME: service}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(BatchSpanProcessor(self._exporter))
        self.tracer = self._provider.get_tracer("obzvon")

    def close(self) -> None:
        """Send what is left, within `CLOSE_S`; blocks as long."""
        closing = threading.Thread(target=self._provider.shutdown, daemon=True)
        closing.start()
        closing.join(CLOSE_S)
        self._exporter.shutdown()


class _Followed(Sampler):
    """Records what a recorded trace leads to; of the rest, the share that is asked for.

    Else a trace would end at the first batch: that has many publishers, so it is no child of any
    of them, only linked to them.
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


class _Told(SpanExporter):
    """Says once when the collector takes no spans any more, and once when it does again.

    OpenTelemetry itself logs every attempt, and every queue that runs over.
    """

    def __init__(self, exporter: SpanExporter, endpoint: str, log: Log) -> None:
        self._exporter = exporter
        self._endpoint = _without_password(endpoint)
        self._log = log
        self._is_away = False
        self._is_closed = False
        self._why = _Remembered()
        _silence("opentelemetry.exporter", self._why)
        _silence("opentelemetry", _OnceEach(log))

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
        """Give up; calling it twice is once."""
        if not self._is_closed:
            self._is_closed = True
            self._exporter.shutdown()


def _silence(name: str, handler: logging.Handler) -> None:
    """Have a library's log handled here alone, not by a process' own handlers."""
    logger = logging.getLogger(name)
    logger.handlers = [handler]
    logger.propagate = False


class _Remembered(logging.Handler):
    """Keeps the last message."""

    message = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.message = record.getMessage()


class _OnceEach(logging.Handler):
    """Tells every kind of message once, and without its arguments: they may hold anything."""

    def __init__(self, log: Log) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._told: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        kind = str(record.msg)
        if kind not in self._told and len(self._told) < MAX_TROUBLES:
            self._told.add(kind)
            self._log.warning("traces_trouble", reason=kind)


def _without_password(url: str) -> str:
    scheme, _, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme}://{host.rpartition('@')[2]}{slash}{path}"


# --- contexts: who did it, as it is passed on ------------------------------------------------------


def remote(traceparent: str, tracestate: str = "") -> SpanContext | None:
    """The span that W3C trace context names; None if it is malformed. Never raises."""
    carrier = {"traceparent": traceparent}
    if tracestate:
        carrier["tracestate"] = tracestate
    found = get_current_span(_W3C.extract(carrier, Context())).get_span_context()
    return found if found.is_valid else None


def traceparent_of(context: SpanContext) -> str:
    """As W3C trace context writes it."""
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    return f"00-{trace_id}-{span_id}-{context.trace_flags:02x}"


def continued(context: SpanContext | None) -> Context:
    """The context in which to start a span as that one's child, or as the first of a trace."""
    return set_span_in_context(NonRecordingSpan(context), Context()) if context else Context()


def publisher_of(
    headers: Sequence[tuple[str, bytes | None]], value: bytes | None
) -> SpanContext | None:
    """Who published a Kafka record, if it says so in a way that can be understood.

    It may say so in a header, in CloudEvents' extension for distributed tracing as binary mode
    writes it, or in that extension within the event. The first of them counts: what an event says
    of itself may be older than its last way.
    """
    given: Mapping[str, bytes | None] = dict(headers) if headers else {}
    for prefix in ("", "ce_"):
        parent = given.get(f"{prefix}traceparent")
        if parent:
            return remote(_text(parent), _text(given.get(f"{prefix}tracestate")))
    if not value or b'"traceparent"' not in value:
        return None
    try:
        event = from_json(value)
    except ValueError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("traceparent"), str):
        return None
    state = event.get("tracestate")
    return remote(event["traceparent"], state if isinstance(state, str) else "")


def _text(header: bytes | None) -> str:
    return header.decode("ascii", "replace") if header else ""


# --- spans ----------------------------------------------------------------------------------------


@contextmanager
def failing(span: Span) -> Any:
    """Mark the span as failed if what is done fails, with the error's type.

    Not with its message, as OpenTelemetry would: that may hold a name or an address.
    """
    try:
        yield span
    except Exception as error:
        failed(span, type(error).__name__)
        raise


def failed(span: Span, kind: str) -> None:
    span.set_attribute("error.type", kind)
    span.set_status(Status(StatusCode.ERROR))


def in_logs(
    _logger: Any, _method: str, event: MutableMapping[str, Any]
) -> MutableMapping[str, Any]:
    """Writes the ids of the active span into log lines; a processor of structlog."""
    context = get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = format_trace_id(context.trace_id)
        event["span_id"] = format_span_id(context.span_id)
    return event
