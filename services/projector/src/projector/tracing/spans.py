"""The projector's spans, by OpenTelemetry's conventions for messaging. Nothing of them is personal.

A chunk has many publishers, so its span is a trace of its own, linked to the recorded ones among
theirs; and in the trace of each of those a span links back to the chunk's.
"""

import time
from collections.abc import Coroutine, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from typing import Any

import structlog
from aiokafka import ConsumerRecord
from opentelemetry.context import Context
from opentelemetry.trace import Link, Span, SpanContext, SpanKind, Tracer, use_span

from projector.tracing.traces import Chunk, Traces
from runtime.trace_context import child_of, publisher_of, traceparent_of
from runtime.tracing import MAX_LINKS, Tracing, mark_failed, marking_failure

log = structlog.get_logger()


Published = tuple[SpanContext, int]
"""The span that published a record, and the record's offset."""


class Spans(Traces):
    """Makes a span of every chunk."""

    def __init__(self, endpoint: str, sample: float) -> None:
        self._tracing = Tracing("obzvon-projector", endpoint, sample, log)

    @contextmanager
    def chunk(
        self, records: Sequence[ConsumerRecord], *, group: str, generation: str
    ) -> Iterator[Chunk]:
        try:
            traced = self._begun(records, group, generation)
        except Exception:  # records hold anything, and they must count whatever becomes of traces
            log.exception("chunk_not_traced", offset=records[0].offset)
            yield Chunk()
            return
        with use_span(traced.span, record_exception=False, set_status_on_exception=False):
            try:
                yield traced
            except Exception as error:
                traced.end(type(error).__name__)
                raise

    def _begun(self, records: Sequence[ConsumerRecord], group: str, generation: str) -> "_Traced":
        first, last = records[0], records[-1]
        where = {
            "messaging.system": "kafka",
            "messaging.operation.name": "process",
            "messaging.operation.type": "process",
            "messaging.destination.name": first.topic,
            "messaging.destination.partition.id": str(first.partition),
            "messaging.consumer.group.name": group,
        }
        publishers = _publishers(records)
        span = self._tracing.tracer.start_span(
            f"process {first.topic}",
            context=Context(),
            kind=SpanKind.CONSUMER,
            attributes={
                **where,
                "messaging.batch.message_count": len(records),
                "obzvon.offset.first": first.offset,
                "obzvon.offset.last": last.offset,
                "obzvon.generation": generation,
            },
            links=[
                Link(context, {"messaging.kafka.offset": offset}) for context, offset in publishers
            ],
        )
        return _Traced(self._tracing.tracer, span, where, publishers)

    def close(self) -> None:
        self._tracing.close()


class _Traced(Chunk):
    def __init__(
        self,
        tracer: Tracer,
        span: Span,
        where: dict[str, str],
        publishers: list[Published],
    ) -> None:
        self._tracer = tracer
        self.span = span
        self._where = where
        self._publishers = publishers
        self._began = time.time_ns()
        self.traceparent = traceparent_of(span.get_span_context()) if span.is_recording() else ""

    def step(self, name: str) -> AbstractContextManager[Any]:
        return self._step(name)

    @contextmanager
    def _step(self, name: str, kind: SpanKind = SpanKind.INTERNAL) -> Iterator[None]:
        parent = child_of(self.span.get_span_context())
        with (
            self._tracer.start_as_current_span(
                name, parent, kind, record_exception=False, set_status_on_exception=False
            ) as span,
            marking_failure(span),
        ):
            if kind is SpanKind.CLIENT:
                span.set_attribute("db.system.name", "redis")
            yield

    def found(self, *, dead_letters: int, misrouted: int) -> None:
        self.span.set_attributes(
            {"obzvon.dead_letters": dead_letters, "obzvon.forwarded": misrouted}
        )

    async def written(self, write: Coroutine[Any, Any, None]) -> None:
        try:
            with self._step("write", SpanKind.CLIENT):
                await write
        except Exception as error:
            self.end(type(error).__name__)
            raise
        self.end()
        self._tell_publishers()

    def end(self, error: str = "") -> None:
        if error:
            mark_failed(self.span, error)
        self.span.end()

    def _tell_publishers(self) -> None:
        """In each publisher's trace, where its event went."""
        for context, offset in self._publishers:
            self._tracer.start_span(
                f"process {self._where['messaging.destination.name']}",
                child_of(context),
                SpanKind.CONSUMER,
                {**self._where, "messaging.kafka.offset": offset},
                [Link(self.span.get_span_context())],
                start_time=self._began,
            ).end()


def _publishers(records: Sequence[ConsumerRecord]) -> list[Published]:
    """The recorded spans that published the records; so many as one span can be linked to."""
    found: dict[tuple[int, int], Published] = {}
    for record in records:
        context = publisher_of(record.headers, record.value)
        if context is not None and context.trace_flags.sampled:
            found.setdefault((context.trace_id, context.span_id), (context, record.offset))
            if len(found) >= MAX_LINKS:
                break
    return list(found.values())
