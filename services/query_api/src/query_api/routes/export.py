"""GET /report.csv and /report.xlsx: the same figures as a file."""

import asyncio

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from query_api.auth import Caller, ReportCaller
from query_api.files.csv_file import csv_chunks
from query_api.files.xlsx_file import file_chunks, spreadsheet
from query_api.http.headers import attachment, freshness_headers
from query_api.http.openapi.examples import CSV as EXAMPLE
from query_api.http.openapi.parameters import documented
from query_api.http.openapi.problems import FAULT, REFUSALS, UNPROCESSABLE
from query_api.http.openapi.responses import CSV, XLSX, csv_answer, xlsx_answer
from query_api.http.parameters import ReportFileParameters, ReportRequest, read_query
from query_api.http.routers import api_router
from query_api.report.table import Table, table
from query_api.state import state_of

router = api_router("report")


@router.get(
    "/report.csv",
    response_class=StreamingResponse,
    responses={
        **REFUSALS,
        200: csv_answer(
            "For a spreadsheet: UTF-8 with a byte order mark, semicolons, decimal commas", EXAMPLE
        ),
        422: UNPROCESSABLE,
        500: FAULT,
    },
    openapi_extra={"parameters": documented(ReportFileParameters)},
    summary="The report as CSV",
)
async def report_csv(request: Request, caller: ReportCaller) -> Response:
    shown, headers = await _table(request, caller, "csv")
    return StreamingResponse(csv_chunks(shown), media_type=CSV, headers=headers)


@router.get(
    "/report.xlsx",
    response_class=StreamingResponse,
    responses={
        **REFUSALS,
        200: xlsx_answer("The report as a spreadsheet"),
        422: UNPROCESSABLE,
        500: FAULT,
    },
    openapi_extra={"parameters": documented(ReportFileParameters)},
    summary="The report as an Excel file",
)
async def report_xlsx(request: Request, caller: ReportCaller) -> Response:
    shown, headers = await _table(request, caller, "xlsx")
    file = await asyncio.to_thread(spreadsheet, shown)
    return StreamingResponse(file_chunks(file), media_type=XLSX, headers=headers)


async def _table(request: Request, caller: Caller, extension: str) -> tuple[Table, dict[str, str]]:
    state = state_of(request.app)
    reports = state.reports
    asked = read_query(request, ReportFileParameters)
    query = ReportRequest(asked, caller.restriction).query(reports.today())
    snapshot = await state.mirror.holding(query.period.days)
    computed, fresh = reports.compute(snapshot, query), reports.freshness(snapshot)
    shown = table(
        computed.merged,
        snapshot,
        fresh,
        query,
        computed_at=computed.computed_at,
        complete_since=computed.complete_since,
        zone=reports.zone,
        columns=asked.chosen_columns,
        sort=asked.line_order,
    )
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": attachment("obzvon", query.period, extension),
        **freshness_headers(fresh, reports.zone),
    }
    return shown, headers
