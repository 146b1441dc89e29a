"""GET /hours and /days: the course of a day, and the totals of each day of a range."""

from typing import Any, Final, TypeVar

from fastapi import Request
from starlette.responses import Response

from contracts.report import Days, Hours
from query_api.auth import Caller, ReportCaller
from query_api.http.openapi.parameters import IF_NONE_MATCH, documented
from query_api.http.openapi.problems import FAULT, REFUSALS, UNPROCESSABLE
from query_api.http.openapi.responses import NOT_MODIFIED, figures_answer
from query_api.http.parameters import HoursParameters, ReportParameters, ReportRequest, read_query
from query_api.http.routers import DirectRoute, api_router
from query_api.live.responses import CachedResponses
from query_api.state import state_of

router = api_router("report", DirectRoute)

Parameters = TypeVar("Parameters", ReportParameters, HoursParameters)

_OTHERS: Final[dict[int | str, dict[str, Any]]] = {
    304: NOT_MODIFIED,
    422: UNPROCESSABLE,
    500: FAULT,
}


@router.get(
    "/hours",
    response_model=Hours,
    responses={**REFUSALS, 200: figures_answer("The course of the day"), **_OTHERS},
    openapi_extra={"parameters": [*documented(HoursParameters), IF_NONE_MATCH]},
    summary="The course of a contact date, hour by hour",
)
async def hours(request: Request, caller: ReportCaller) -> Response:
    return await _answer(request, caller, state_of(request.app).hours, HoursParameters)


@router.get(
    "/days",
    response_model=Days,
    responses={**REFUSALS, 200: figures_answer("The totals of each day"), **_OTHERS},
    openapi_extra={"parameters": [*documented(ReportParameters), IF_NONE_MATCH]},
    summary="The report's totals of each day of a range of up to 92 days",
)
async def days(request: Request, caller: ReportCaller) -> Response:
    return await _answer(request, caller, state_of(request.app).days, ReportParameters)


async def _answer(
    request: Request, caller: Caller, responses: CachedResponses, model: type[Parameters]
) -> Response:
    query_string: bytes = request.scope["query_string"]
    cached = responses.current(query_string, caller.restriction)
    if cached is None:
        asked = ReportRequest(read_query(request, model), caller.restriction)
        cached = await responses.prepare(query_string, asked)
    return cached.response(request)
