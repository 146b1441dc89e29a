"""The settings of traces, alike in every process. Imports nothing of OpenTelemetry."""

from typing import Annotated
from urllib.parse import urlsplit, urlunsplit

from pydantic import AfterValidator, BeforeValidator, Field


def _endpoint(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises for what is no number
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("give the OTLP/HTTP URL of a collector, like http://collector:4318")
    if parts.path in ("", "/"):
        return urlunsplit(parts._replace(path="/v1/traces"))
    return url


TracesEndpoint = Annotated[
    str | None,
    BeforeValidator(lambda value: value or None),
    AfterValidator(_endpoint),
    Field(
        description="OTLP/HTTP URL of the collector that traces go to; without it there are none"
    ),
]
"""None, also for blank text, is off. A URL without a path gets OTLP's own, /v1/traces."""

TracesSample = Annotated[
    float,
    Field(ge=0, le=1, description="Share of traces begun here that are recorded"),
]
"""Of those begun elsewhere, whoever began them has decided."""
