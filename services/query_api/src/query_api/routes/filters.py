"""GET /filters: the operators, managers and plan dates one can filter by."""

from fastapi import Request
from pydantic_core import to_json
from starlette.responses import Response

from contracts.report import Pickers
from query_api.auth import ReportCaller
from query_api.http.content_coding import compressed_response
from query_api.http.headers import VARY, freshness_headers
from query_api.http.openapi.parameters import documented
from query_api.http.openapi.problems import FAULT, REFUSALS, UNPROCESSABLE
from query_api.http.openapi.responses import json_answer
from query_api.http.parameters import Dates, read_query, restricted_scope
from query_api.http.routers import api_router
from query_api.report.pickers import pickers
from query_api.state import state_of

router = api_router("contacts")


@router.get(
    "/filters",
    response_model=Pickers,
    responses={
        **REFUSALS,
        200: json_answer("What there is to choose from"),
        422: UNPROCESSABLE,
        500: FAULT,
    },
    openapi_extra={"parameters": documented(Dates)},
    summary="The operators, managers and plan dates there are to choose from",
)
async def filters(request: Request, caller: ReportCaller) -> Response:
    state = state_of(request.app)
    reports = state.reports
    period = read_query(request, Dates).period(reports.today())
    snapshot = await state.mirror.holding(period.days)
    content = pickers(snapshot, period, restricted_scope(caller.restriction), reports.minute())
    headers = {
        "Cache-Control": "private, no-cache",
        "Vary": VARY,
        **freshness_headers(reports.freshness(snapshot), reports.zone),
    }
    return compressed_response(request, to_json(content), "application/json", headers)
