"""Traces of what the API does, where they are switched on (ADR 10).

`OFF` does nothing and imports nothing; `traces_of` says which it is. Nothing stands in a request's way
while it is off.
"""

from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from query_api.report.snapshot import Refreshes, Snapshot

_NOTHING: Final = nullcontext()


class Traces:
    """What makes spans; this one makes none."""

    tracer: Any = None
    """OpenTelemetry's, where they are on."""

    def refreshed(self, before: Snapshot | None, _after: Snapshot, _began_ns: int) -> Refreshes:
        """The refreshes that brought the figures of the snapshot `after`, this last one too."""
        return before.refreshes if before else ()

    def merging(self, _new: Refreshes) -> AbstractContextManager[Any]:
        """Around the making of a report that shows these refreshes for the first time."""
        return _NOTHING

    def pushed(self, _new: Refreshes, _listeners: int) -> None:
        """A report was given to the streams that listen."""

    def close(self) -> None:
        """Send what is left; blocks for a moment."""


OFF: Final = Traces()


def traces_of(endpoint: str | None, sample: float) -> Traces:
    """Returns what traces to the collector at `endpoint`, or `OFF` if that is None."""
    if endpoint is None:
        return OFF
    from query_api.tracing.spans import Spans

    return Spans(endpoint, sample)
