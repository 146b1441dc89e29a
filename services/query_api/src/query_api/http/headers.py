"""Headers of responses with figures, and of requests for them."""

from datetime import tzinfo
from typing import Final

from fastapi import Request

from query_api.report.freshness import Freshness
from query_api.report.moments import rfc3339
from query_api.report.scope import Period

VARY: Final = "Authorization, Cookie, Accept-Encoding"


def freshness_headers(fresh: Freshness, zone: tzinfo) -> dict[str, str]:
    """Returns headers for every response with figures, even a 304; empty if the JSON has null."""
    return {
        "Obzvon-As-Of": rfc3339(fresh.as_of, zone) or "",
        "Obzvon-Lag-Events": "" if fresh.lag_events is None else str(fresh.lag_events),
    }


def attachment(name: str, period: Period, extension: str) -> str:
    """Returns the Content-Disposition of a file to keep, named for its dates."""
    days = period.first if period.first == period.last else f"{period.first}_{period.last}"
    return f'attachment; filename="{name}-{days}.{extension}"'


def is_not_modified(request: Request, etag: str) -> bool:
    """Whether If-None-Match names the tag; compared weakly (RFC 9110 §13.1.2)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    strong = etag.removeprefix("W/")
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return strong in tags or "*" in tags
