"""Prepares lines of input for sending: checked as the projector will check them, or unchecked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from pydantic import ValidationError
from pydantic_core import from_json

from contracts.events import EVENT_ADAPTER, MAX_AHEAD_S, MAX_VALUE_BYTES
from devkit.publishing.reading import Line

MAX_RECORD_BYTES = 1_000_000
"""Size of a record above which the producer refuses it."""

Timestamps = Literal["now", "event"]
"""The time of the records: that of sending, or that of their event."""


@dataclass(frozen=True)
class PreparedEvent:
    """An event that is ready to be sent."""

    value: bytes
    key: str | None
    timestamp_ms: int | None


def check(line: Line, timestamps: Timestamps, now: datetime) -> PreparedEvent | str:
    """Returns the event of a line, or what is wrong with it: the field and the reason.

    An event that passes never becomes a dead letter because of its content.
    """
    if len(line.text) > MAX_VALUE_BYTES:
        return f"{len(line.text)} bytes: an event has {MAX_VALUE_BYTES} at most"
    try:
        event = EVENT_ADAPTER.validate_json(line.text)
    except ValidationError as error:
        return "; ".join(_problems(error))
    moment: datetime = event.time
    if timestamps == "now" and (moment - now).total_seconds() > MAX_AHEAD_S:
        return (
            f"time: {moment.isoformat()} is more than a day ahead; "
            "with --timestamps event the record itself would have that time"
        )
    milliseconds = int(moment.timestamp() * 1000) if timestamps == "event" else None
    if milliseconds is not None and milliseconds < 0:
        return f"time: {moment.isoformat()} is before 1970, which a Kafka record cannot have"
    return PreparedEvent(line.text, event.subject, milliseconds)


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False):
        # The location begins with the union's tag; a person looks for the field below it.
        names = [str(part) for part in problem["loc"] if not str(part).endswith(".v1")]
        given = problem["input"]
        shown = f" (it is {given!r})" if isinstance(given, str | int | float) and names else ""
        yield f"{'.'.join(names) or 'event'}: {problem['msg']}{shown[:200]}"


def take_unchecked(line: Line, timestamps: Timestamps) -> PreparedEvent | str:
    """Returns the line as it is, keyed by its subject if one can be found in it."""
    if len(line.text) > MAX_RECORD_BYTES:
        return f"{len(line.text)} bytes: more than a Kafka record can hold"
    subject, milliseconds = None, None
    try:
        event = from_json(line.text)
        if isinstance(event, dict):
            subject = event.get("subject")
            if timestamps == "event":
                milliseconds = int(datetime.fromisoformat(event["time"]).timestamp() * 1000)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        pass
    return PreparedEvent(line.text, subject if isinstance(subject, str) else None, milliseconds)
