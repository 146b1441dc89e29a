"""GET /report: the report of a contact date, or of a range of them."""

from fastapi import Request
from starlette.responses import Response

from contracts.report import Report
from query_api.auth import ReportCaller
from query_api.http.openapi.parameters import IF_NONE_MATCH, documented
from query_api.http.openapi.problems import FAULT, REFUSALS, UNPROCESSABLE
from query_api.http.openapi.responses import NOT_MODIFIED, figures_answer
from query_api.http.parameters import ReportParameters, ReportRequest, read_query
from query_api.http.routers import DirectRoute, api_router
from query_api.state import state_of

router = api_router("report", DirectRoute)


@router.get(
    "/report",
    response_model=Report,
    responses={
        **REFUSALS,
        200: figures_answer("The report"),
        304: NOT_MODIFIED,
        422: UNPROCESSABLE,
        500: FAULT,
    },
    openapi_extra={"parameters": [*documented(ReportParameters), IF_NONE_MATCH]},
    summary="The report of a contact date, or of a range of up to 92 days",
)
async def report(request: Request, caller: ReportCaller) -> Response:
    responses = state_of(request.app).responses
    query_string: bytes = request.scope["query_string"]
    cached = responses.current(query_string, caller.restriction)
    if cached is None:
        asked = ReportRequest(read_query(request, ReportParameters), caller.restriction)
        cached = await responses.prepare(query_string, asked)
    return cached.response(request)
