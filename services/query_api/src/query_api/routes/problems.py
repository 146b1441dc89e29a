"""Errors as RFC 9457 problem details."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, Final

import structlog
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from contracts.report import FieldProblem, Problem
from query_api.reader.mirror import Unavailable

log = structlog.get_logger()

PROBLEM: Final = "application/problem+json"

RETRY_AFTER_S: Final = 2
"""Seconds a caller is asked to wait while there is nothing to answer from."""


class Unprocessable(Exception):
    """Parameters that are wrong, each by name."""

    def __init__(self, errors: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = list(errors)


def problem(
    request: Request,
    status: int,
    detail: str,
    *,
    errors: Sequence[FieldProblem] | None = None,
    headers: dict[str, str] | None = None,
) -> Response:
    told = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=request.url.path,
        errors=list(errors) if errors else None,
    )
    return Response(
        told.model_dump_json(exclude_none=True),
        status_code=status,
        media_type=PROBLEM,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def handle_problems(app: FastAPI) -> None:
    """Give every error of the app the same shape."""

    @app.exception_handler(Unprocessable)
    async def unprocessable(request: Request, error: Unprocessable) -> Response:
        return problem(request, 422, str(error), errors=error.errors)

    @app.exception_handler(Unavailable)
    async def unavailable(request: Request, error: Unavailable) -> Response:
        headers = {"Retry-After": str(RETRY_AFTER_S)}
        return problem(request, 503, f"There is no report yet: {error}", headers=headers)

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        headers = dict(error.headers or {})
        return problem(request, error.status_code, str(error.detail), headers=headers)

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("unexpected", path=request.url.path, exc_info=error)
        return problem(request, 500, "The API has a fault; it is in its log.")


def described(
    status: int,
    description: str,
    detail: str,
    *,
    headers: dict[str, Any] | None = None,
    **more: Any,
) -> dict[str, Any]:
    """The OpenAPI response of a problem, with an example."""
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
            PROBLEM: {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}
        },
        **({"headers": headers} if headers else {}),
    }


FAULT: Final = described(500, "The API has a fault", "The API has a fault; it is in its log.")

UNPROCESSABLE: Final = described(
    422,
    "A parameter is wrong; `errors` names it",
    "date: there is no such day",
    errors=[{"field": "date", "value": "2026-02-30", "message": "there is no such day"}],
)
"""The OpenAPI response of a parameter that is wrong."""
