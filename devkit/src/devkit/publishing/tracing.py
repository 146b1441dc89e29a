"""Traces of what is published, if OBZVON_TRACES_ENDPOINT says where they go.

Each event begins a trace, or continues the one that it names itself. Its record has a `traceparent`
header, by which the projector continues the trace.
"""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from devkit.errors import StackError
from runtime.settings import TracesEndpoint, TracesSample, wrong_setting

if TYPE_CHECKING:
    from runtime.tracing import Tracing

Header = tuple[str, bytes]


class _Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix="OBZVON_", extra="ignore")

    traces_endpoint: TracesEndpoint = None
    traces_sample: TracesSample = 1.0


@asynccontextmanager
async def send_spans() -> AsyncIterator["SendSpans | None"]:
    """What makes a span of each event sent; None if traces are off."""
    try:
        settings = _Settings()
    except ValidationError as error:
        wrong = wrong_setting(error, _Settings)
        raise StackError(f"{wrong.name} is {wrong.value!r}: {wrong.message}") from error
    if settings.traces_endpoint is None:
        yield None
        return
    from runtime.tracing import Tracing

    tracing = Tracing(
        "obzvon-publisher", settings.traces_endpoint, settings.traces_sample, _Stderr()
    )
    try:
        yield SendSpans(tracing)
    finally:
        await asyncio.to_thread(tracing.close)


class _Stderr:
    """Writes what is wrong with the collector to stderr, as a command does."""

    def warning(self, event: str, **fields: object) -> None:
        details = ", ".join(f"{name} {value}" for name, value in fields.items())
        sys.stderr.write(f"obzvon: {event.replace('_', ' ')}: {details}\n")

    info = warning


class SendSpans:
    """Makes spans of what is sent."""

    def __init__(self, tracing: "Tracing") -> None:
        self._tracer = tracing.tracer

    def begin(self, topic: str, value: bytes) -> "SendSpan":
        from opentelemetry.trace import SpanKind

        from runtime.trace_context import child_of, publisher_of

        span = self._tracer.start_span(
            f"send {topic}",
            child_of(publisher_of((), value)),
            SpanKind.PRODUCER,
            {
                "messaging.system": "kafka",
                "messaging.operation.name": "send",
                "messaging.operation.type": "send",
                "messaging.destination.name": topic,
            },
        )
        return SendSpan(span)


class SendSpan:
    """The span of an event that is being sent; `end` it when Kafka has the event."""

    def __init__(self, span: Any) -> None:
        from runtime.trace_context import traceparent_of

        self._span = span
        self.traceparent = traceparent_of(span.get_span_context())

    @property
    def headers(self) -> list[Header]:
        return [("traceparent", self.traceparent.encode())]

    def end(self, sent: "asyncio.Future[Any]") -> None:
        """End the span; `sent` is the producer's future, which is done."""
        from runtime.tracing import mark_failed

        if sent.cancelled():
            mark_failed(self._span, "cancelled")
        elif error := sent.exception():
            mark_failed(self._span, type(error).__name__)
        else:
            metadata = sent.result()
            self._span.set_attributes(
                {
                    "messaging.destination.partition.id": str(metadata.partition),
                    "messaging.kafka.offset": metadata.offset,
                }
            )
        self._span.end()
