"""Refusals, as exceptions and as RFC 9457 problem details."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, Final

from starlette.exceptions import HTTPException
from starlette.responses import Response

from contracts.report import Problem

PROBLEM: Final = "application/problem+json"

RETRY_AFTER_HEADER: Final[dict[str, Any]] = {
    "Retry-After": {
        "description": "Seconds after which it may be tried again",
        "schema": {"type": "integer"},
        "example": 2,
    }
}


class Refused(HTTPException):
    """A request is turned away.

    An HTTPException, so that an app without our handler still answers with the right status.

    `detail` is for the caller and says what to do; `why` is one short word group for the audit
    log and the metrics. Neither ever holds a token, a key or anything the caller sent.
    """

    def __init__(
        self, status: int, detail: str, *, why: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.why = why

    def response(self) -> Response:
        return problem(self.status_code, self.detail, headers=self.headers)


def unauthorized(detail: str, *, why: str, error: str | None = "invalid_token") -> Refused:
    """401 with a challenge (RFC 6750 §3); the error is left out where no credential came."""
    challenge = 'Bearer realm="obzvon"'
    if error is not None:
        challenge += f', error="{error}", error_description="{detail}"'
    return Refused(401, detail, why=why, headers={"WWW-Authenticate": challenge})


def forbidden(detail: str, *, why: str) -> Refused:
    return Refused(403, detail, why=why)


def unavailable(detail: str, *, why: str, retry_after: int = 5) -> Refused:
    """503: whether the caller may read can't be known right now, so the door stays shut."""
    return Refused(503, detail, why=why, headers={"Retry-After": str(retry_after)})


def problem(status: int, detail: str, *, headers: Mapping[str, str] | None = None) -> Response:
    """A problem+json answer. The same shape as every other error of the API."""
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return Response(
        body.model_dump_json(exclude_none=True),
        status_code=status,
        media_type=PROBLEM,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def answer(description: str, status: int, detail: str) -> dict[str, Any]:
    """An error as OpenAPI describes it, with an example and, where it passes, when to retry."""
    example = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail)
    return {
        "description": description,
        "content": {
            PROBLEM: {
                "schema": {"$ref": "#/components/schemas/Problem"},
                "example": example.model_dump(exclude_none=True),
            }
        },
        **({"headers": RETRY_AFTER_HEADER} if status in (429, 503) else {}),
    }


REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    401: answer("No credential, or a bad one", 401, "Bring a bearer token of the issuer."),
    403: answer("Another role", 403, "Only the roles head and quality_control may read this."),
    413: answer("The request is too large", 413, "The request body is larger than 65536 bytes."),
    414: answer("The address is too long", 414, "The query is longer than 8192 bytes."),
    429: answer("Too many requests", 429, "More than 600 requests per minute: wait 3 seconds."),
    431: answer("The headers are too large", 431, "The headers are larger than 32768 bytes."),
    503: answer("It can't be checked now", 503, "The issuer's keys can't be reached: try again."),
}
"""For `responses=` of every route under /api/v1. The app's OpenAPI needs a `Problem` schema."""
