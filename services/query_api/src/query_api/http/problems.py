"""Errors as RFC 9457 problem details."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Final

import structlog
from fastapi import FastAPI, Request
from starlette.exceptions import HTTPException
from starlette.responses import Response

from contracts.report import FieldProblem, Problem
from query_api.auth.refusals import Refusal
from query_api.reader.errors import Unavailable
from query_api.report.hours import NoHours

log = structlog.get_logger()

PROBLEM_JSON: Final = "application/problem+json"

RETRY_AFTER_S: Final = 2
"""Seconds a caller is asked to wait while there is no report to serve."""

NO_HOURS_RETRY_AFTER_S: Final = 60
"""Seconds a caller is asked to wait for a generation with hours: building one takes minutes."""


class InvalidParameters(Exception):
    """Parameters that are wrong, each by name."""

    def __init__(self, errors: Sequence[FieldProblem]) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = list(errors)


class VersionGone(Exception):
    """Rows were asked for as of a version of the report that is no longer the current one."""

    def __init__(self, asked: str, current: str) -> None:
        super().__init__("The rows are no longer of this version: start over without a cursor.")
        self.errors = [
            FieldProblem(field="version", value=asked, message=f"has gone; now it is {current}")
        ]


def problem(
    status: int,
    detail: str,
    *,
    instance: str | None = None,
    errors: Sequence[FieldProblem] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Returns a problem+json response; `instance` is the path that was asked for."""
    content = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        instance=instance,
        errors=list(errors) if errors else None,
    )
    return Response(
        content.model_dump_json(exclude_none=True),
        status_code=status,
        media_type=PROBLEM_JSON,
        headers={"Cache-Control": "no-store", **(headers or {})},
    )


def refusal_problem(refusal: Refusal) -> Response:
    """Returns the response to a refused request.

    It has no `instance`: what a stranger asked for is not repeated.
    """
    return problem(refusal.status_code, refusal.detail, headers=refusal.headers)


def handle_problems(app: FastAPI) -> None:
    """Give every error of the app the same shape."""

    @app.exception_handler(InvalidParameters)
    async def invalid_parameters(request: Request, error: InvalidParameters) -> Response:
        return problem(422, str(error), instance=request.url.path, errors=error.errors)

    @app.exception_handler(VersionGone)
    async def version_gone(request: Request, error: VersionGone) -> Response:
        return problem(410, str(error), instance=request.url.path, errors=error.errors)

    @app.exception_handler(Unavailable)
    async def unavailable(request: Request, error: Unavailable) -> Response:
        return problem(
            503,
            f"There is no report yet: {error}",
            instance=request.url.path,
            headers={"Retry-After": str(RETRY_AFTER_S)},
        )

    @app.exception_handler(NoHours)
    async def no_hours(request: Request, error: NoHours) -> Response:
        return problem(
            503,
            f"There is no course of a day yet: {error}",
            instance=request.url.path,
            headers={"Retry-After": str(NO_HOURS_RETRY_AFTER_S)},
        )

    @app.exception_handler(HTTPException)
    async def http(request: Request, error: HTTPException) -> Response:
        return problem(
            error.status_code, str(error.detail), instance=request.url.path, headers=error.headers
        )

    @app.exception_handler(Exception)
    async def unexpected(request: Request, error: Exception) -> Response:
        log.error("unexpected", path=request.url.path, exc_info=error)
        return problem(500, "The API has a fault; it is in its log.", instance=request.url.path)
