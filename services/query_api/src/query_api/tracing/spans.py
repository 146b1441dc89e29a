"""The API's spans, but for those of requests. Nothing of them is personal.

    process … ─► refresh ─► merge report ─► push report      one trace, from the projector on
                    ▲            ┊
                    └┄ GET /api/v1/report                    the request's own trace, linked

A refresh continues the trace of the write it has read; what else it has read is linked. Reports and
requests are linked to the refreshes whose figures they show for the first time; a request that
shows nothing new is linked to the last one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from opentelemetry.context import Context
from opentelemetry.trace import Link, get_current_span

from query_api.report.snapshot import Refreshes, Snapshot
from query_api.tracing.traces import Traces
from runtime.trace_context import child_of, parse_traceparent
from runtime.tracing import MAX_LINKS, Tracing, marking_failure

log = structlog.get_logger()

REFRESHES_KEPT: Final = 32
"""Refreshes that a snapshot remembers, for reports that nobody has asked for since."""


class Spans(Traces):
    """Makes spans of refreshes, reports and pushes; `tracer` makes others."""

    def __init__(self, endpoint: str, sample: float) -> None:
        self._tracing = Tracing("obzvon-query-api", endpoint, sample, log)
        self.tracer = self._tracing.tracer

    def refreshed(self, before: Snapshot | None, after: Snapshot, began_ns: int) -> Refreshes:
        if before is None:  # everything is read, and nobody knows what of it is new
            return ()
        if before.generation != after.generation:
            return before.refreshes
        moved, writes = 0, []
        for was, now in zip(before.shards, after.shards, strict=False):
            if now is None or now is was or (was is not None and was.seqs == now.seqs):
                continue
            moved += 1
            writes += now.meta.traced_since(was.meta.seq if was else -1)
        if not moved:
            return before.refreshes
        parents = [context for write in writes if (context := parse_traceparent(write))]
        span = self.tracer.start_span(
            "refresh",
            child_of(parents[0] if parents else None),
            attributes={"obzvon.generation": after.generation, "obzvon.shards.moved": moved},
            links=_links(tuple(parents[1 : MAX_LINKS + 1])),
            start_time=began_ns,
        )
        span.end()
        if not span.get_span_context().trace_flags.sampled:
            return before.refreshes
        return (*before.refreshes, span.get_span_context())[-REFRESHES_KEPT:]

    @contextmanager
    def merging(self, new: Refreshes) -> Iterator[None]:
        asking = get_current_span()
        links = _links(new[:-1])
        if new and asking.is_recording():
            links.append(Link(asking.get_span_context()))
        with (
            self.tracer.start_as_current_span(
                "merge report",
                child_of(new[-1]) if new else None,
                links=links,
                record_exception=False,
                set_status_on_exception=False,
            ) as span,
            marking_failure(span),
        ):
            yield

    def pushed(self, new: Refreshes, listeners: int) -> None:
        self.tracer.start_span(
            "push report",
            child_of(new[-1]) if new else Context(),
            attributes={"obzvon.listeners": listeners},
            links=_links(new[:-1]),
        ).end()

    def close(self) -> None:
        self._tracing.close()


def _links(contexts: Refreshes) -> list[Link]:
    return [Link(context) for context in contexts]
