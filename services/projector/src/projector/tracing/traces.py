"""Traces of what the projector does, if they are switched on (ADR 10): a span for each chunk.

`OFF` does nothing and imports nothing; `traces_of` says which it is.
"""

from collections.abc import Coroutine, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Final

from aiokafka import ConsumerRecord

_NOTHING: Final = nullcontext()


class Chunk:
    """The trace of a chunk of records; this one, of nothing."""

    traceparent = ""
    """Its context, to be written alongside the change; empty if nobody records it."""

    def step(self, _name: str) -> AbstractContextManager[Any]:
        """A part of the work, timed."""
        return _NOTHING

    def found(self, *, dead_letters: int, misrouted: int) -> None:
        """How many of its records were no events of this partition."""

    async def written(self, write: Coroutine[Any, Any, None]) -> None:
        """Await the write; the chunk is done then."""
        await write


class Traces:
    """What makes the trace of a chunk; this one makes none."""

    def chunk(
        self, _records: Sequence[ConsumerRecord], *, group: str, generation: str
    ) -> AbstractContextManager[Chunk]:
        """Active within the context, and open until it is `written`."""
        del group, generation
        return _UNTRACED

    def close(self) -> None:
        """Send what is left; blocks for a moment."""


OFF: Final = Traces()

_UNTRACED: Final = nullcontext(Chunk())


def traces_of(endpoint: str | None, sample: float) -> Traces:
    """Returns what traces to the collector at `endpoint`, or `OFF` if that is None."""
    if endpoint is None:
        return OFF
    from projector.tracing.spans import Spans

    return Spans(endpoint, sample)
