"""W3C trace context: which span something comes from, as it is passed on between processes.

Importing this imports OpenTelemetry's API, so it is imported only when traces are on.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from opentelemetry.context import Context
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    format_span_id,
    format_trace_id,
    get_current_span,
    set_span_in_context,
)
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from pydantic_core import from_json

_W3C: Final = TraceContextTextMapPropagator()


def parse_traceparent(traceparent: str, tracestate: str = "") -> SpanContext | None:
    """Returns the span that W3C trace context names; None if it is malformed. Never raises."""
    carrier = {"traceparent": traceparent}
    if tracestate:
        carrier["tracestate"] = tracestate
    found = get_current_span(_W3C.extract(carrier, Context())).get_span_context()
    return found if found.is_valid else None


def traceparent_of(context: SpanContext) -> str:
    """Returns the span as W3C trace context writes it."""
    trace_id, span_id = format_trace_id(context.trace_id), format_span_id(context.span_id)
    return f"00-{trace_id}-{span_id}-{context.trace_flags:02x}"


def child_of(context: SpanContext | None) -> Context:
    """Returns the context in which to start a child of that span, or the first span of a trace."""
    return set_span_in_context(NonRecordingSpan(context), Context()) if context else Context()


def publisher_of(
    headers: Sequence[tuple[str, bytes | None]], value: bytes | None
) -> SpanContext | None:
    """Returns the span that published a Kafka record, if the record names one that can be read.

    It may be named in a header, in CloudEvents' extension for distributed tracing as binary mode
    writes it, or in that extension within the event. The first of them counts: the event may have
    been published before, and may still name that time's span.
    """
    given: Mapping[str, bytes | None] = dict(headers) if headers else {}
    for prefix in ("", "ce_"):
        parent = given.get(f"{prefix}traceparent")
        if parent:
            return parse_traceparent(_text(parent), _text(given.get(f"{prefix}tracestate")))
    if not value or b'"traceparent"' not in value:
        return None
    try:
        event = from_json(value)
    except ValueError:
        return None
    if not isinstance(event, dict) or not isinstance(event.get("traceparent"), str):
        return None
    state = event.get("tracestate")
    return parse_traceparent(event["traceparent"], state if isinstance(state, str) else "")


def _text(header: bytes | None) -> str:
    return header.decode("ascii", "replace") if header else ""
