"""GET /contacts: the rows behind a number."""

from fastapi import Request
from pydantic_core import to_json
from starlette.responses import Response

from contracts.report import ContactPage
from query_api.auth import RowsCaller
from query_api.http.contact_parameters import ContactParameters
from query_api.http.content_coding import compressed_response
from query_api.http.headers import VARY, freshness_headers
from query_api.http.openapi.parameters import documented
from query_api.http.openapi.problems import FAULT, GONE, REFUSALS, UNPROCESSABLE
from query_api.http.openapi.responses import json_answer
from query_api.http.parameters import read_query
from query_api.http.routers import api_router
from query_api.reader.look_ups import look_up
from query_api.report.contact_json import contact_json
from query_api.report.moments import rfc3339
from query_api.report.pages import page
from query_api.routes.rows_behind import rows_behind
from query_api.state import state_of

router = api_router("contacts")


@router.get(
    "/contacts",
    response_model=ContactPage,
    responses={
        **REFUSALS,
        200: json_answer("The rows, a page of them"),
        410: GONE,
        422: UNPROCESSABLE,
        500: FAULT,
    },
    openapi_extra={"parameters": documented(ContactParameters)},
    summary="The contacts behind a figure of the report",
)
async def contacts(request: Request, caller: RowsCaller) -> Response:
    state = state_of(request.app)
    reports, redis = state.reports, state.redis
    asked = read_query(request, ContactParameters)
    order, after = asked.row_order, asked.after
    behind = await rows_behind(state, asked, caller.restriction)
    asked.expect(behind.version)
    snapshot = behind.snapshot
    rows = await look_up(redis, snapshot, behind.rows, order.parts - asked.lookup_filter.parts)
    shown = page(rows, order, after, asked.limit)
    items = await look_up(redis, snapshot, shown.rows)
    content = {
        "items": [contact_json(named, behind.query, reports.zone) for named in items],
        "next_cursor": shown.next_cursor,
        "total": len(rows),
        "sum": behind.sum,
        "version": behind.version,
        "as_of": rfc3339(behind.fresh.as_of, reports.zone),
    }
    headers = {
        "Cache-Control": "private, no-store",
        "Vary": VARY,
        **freshness_headers(behind.fresh, reports.zone),
    }
    return compressed_response(request, to_json(content), "application/json", headers)
