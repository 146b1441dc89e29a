"""Problems and refusals as the OpenAPI describes them."""

from http import HTTPStatus
from typing import Any, Final

from query_api.http.problems import PROBLEM_JSON

RETRY_AFTER_HEADER: Final[dict[str, Any]] = {
    "Retry-After": {
        "description": "Seconds after which it may be tried again",
        "schema": {"type": "integer"},
        "example": 2,
    }
}


def problem_response(
    status: int,
    description: str,
    detail: str,
    *,
    headers: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """Returns an entry for `responses=`, with an example; `more` are its further members.

    The app's OpenAPI needs a `Problem` schema; `describe_access` adds it.
    """
    example = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        **more,
    }
    return {
        "description": description,
        "content": {
            PROBLEM_JSON: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        },
        **({"headers": headers} if headers else {}),
    }


FAULT: Final = problem_response(
    500, "The API has a fault", "The API has a fault; it is in its log."
)

UNPROCESSABLE: Final = problem_response(
    422,
    "A parameter is wrong; `errors` names it",
    "date: there is no such day",
    errors=[{"field": "date", "value": "2026-02-30", "message": "there is no such day"}],
)

GONE: Final = problem_response(
    410,
    "The rows are no longer of the `version` that was asked for",
    "The rows are no longer of this version: start over without a cursor.",
    errors=[
        {
            "field": "version",
            "value": 'W/"642737006c203667c48a96d66171b3"',
            "message": 'has gone; now it is W/"0c1d8a7be2f04b5d9a3e6c7f8b9a01"',
        }
    ],
)

REFUSALS: Final[dict[int | str, dict[str, Any]]] = {
    401: problem_response(
        401, "No credential, or a bad one", "Bring a bearer token of the issuer."
    ),
    403: problem_response(
        403, "Another role", "Only the roles head and quality_control may read this."
    ),
    413: problem_response(
        413, "The request is too large", "The request body is larger than 65536 bytes."
    ),
    414: problem_response(414, "The address is too long", "The query is longer than 8192 bytes."),
    429: problem_response(
        429,
        "Too many requests",
        "More than 600 requests per minute: wait 3 seconds.",
        headers=RETRY_AFTER_HEADER,
    ),
    431: problem_response(
        431, "The headers are too large", "The headers are larger than 32768 bytes."
    ),
    503: problem_response(
        503,
        "It can't be checked now",
        "The issuer's keys can't be reached: try again.",
        headers=RETRY_AFTER_HEADER,
    ),
}
"""For `responses=` of every route under /api/v1."""
