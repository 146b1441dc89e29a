"""GET /report.csv and /report.xlsx: the same figures as a file."""

import asyncio
import csv
import io
from collections.abc import Iterator, Sequence
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

import xlsxwriter
from fastapi import Request
from starlette.responses import Response, StreamingResponse

from query_api.auth import Caller, ReportCaller
from query_api.http.headers import freshness_headers
from query_api.http.openapi.examples import CSV as EXAMPLE
from query_api.http.openapi.parameters import documented
from query_api.http.openapi.problems import FAULT, REFUSALS, UNPROCESSABLE
from query_api.http.openapi.responses import FRESHNESS_HEADERS
from query_api.http.parameters import ReportParameters, ReportRequest, read_query
from query_api.http.routers import api_router
from query_api.report.scope import Period
from query_api.report.table import COLUMNS, TITLE, TOTALS, Table, table
from query_api.routes.answers import Answers

router = api_router("report")

CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"

CHUNK: Final = 64 * 1024
"""Bytes sent at a time."""

IN_MEMORY: Final = 4 * 1024 * 1024
"""Bytes of a spreadsheet beyond which it is put together on disk."""

RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""A text that begins so may be taken for a formula by the program that opens the file."""


def _file(description: str, media_type: str, **schema: str) -> dict[int | str, dict[str, Any]]:
    content: dict[str, Any] = {"schema": {"type": "string", **schema}}
    if media_type == CSV:
        content["example"] = EXAMPLE
    described = {
        "description": description,
        "content": {media_type: content},
        "headers": FRESHNESS_HEADERS,
    }
    return {200: described, 422: UNPROCESSABLE, 500: FAULT}


@router.get(
    "/report.csv",
    response_class=StreamingResponse,
    responses={
        **REFUSALS,
        **_file("For a spreadsheet: UTF-8 with a byte order mark, semicolons, decimal commas", CSV),
    },
    openapi_extra={"parameters": documented(ReportParameters)},
    summary="The report as CSV",
)
async def report_csv(request: Request, caller: ReportCaller) -> Response:
    shown, headers = await _table(request, caller, "csv")
    return StreamingResponse(csv_chunks(shown), media_type=CSV, headers=headers)


@router.get(
    "/report.xlsx",
    response_class=StreamingResponse,
    responses={**REFUSALS, **_file("The report as a spreadsheet", XLSX, format="binary")},
    openapi_extra={"parameters": documented(ReportParameters)},
    summary="The report as an Excel file",
)
async def report_xlsx(request: Request, caller: ReportCaller) -> Response:
    shown, headers = await _table(request, caller, "xlsx")
    file = await asyncio.to_thread(spreadsheet, shown)
    return StreamingResponse(_chunks(file), media_type=XLSX, headers=headers)


async def _table(request: Request, caller: Caller, extension: str) -> tuple[Table, dict[str, str]]:
    answers: Answers = request.app.state.answers
    asked = ReportRequest(read_query(request, ReportParameters), caller.restriction)
    query = asked.query(answers.today())
    snapshot = await answers.mirror.holding(query.period.days)
    computed, fresh = answers.compute(snapshot, query), answers.freshness(snapshot)
    shown = table(
        computed.merged,
        snapshot,
        fresh,
        query,
        computed_at=computed.computed_at,
        complete_since=computed.complete_since,
        zone=answers.zone,
    )
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": f'attachment; filename="{_file_name(query.period)}.{extension}"',
        **freshness_headers(fresh, answers.zone),
    }
    return shown, headers


def _file_name(period: Period) -> str:
    days = period.first if period.first == period.last else f"{period.first}_{period.last}"
    return f"obzvon-{days}"


def csv_chunks(shown: Table) -> Iterator[bytes]:
    """As Excel with Russian settings reads it: semicolons, decimal commas, a byte order mark."""
    buffer = io.StringIO("\ufeff")
    buffer.seek(1)
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    for cells in _csv_lines(shown):
        writer.writerow([_harmless(cell) for cell in cells])
        if buffer.tell() >= CHUNK:
            yield buffer.getvalue().encode()
            buffer.seek(0)
            buffer.truncate()
    yield buffer.getvalue().encode()


def _csv_lines(shown: Table) -> Iterator[Sequence[Any]]:
    yield (TITLE,)
    yield from shown.above
    yield ()
    yield shown.header
    for name, values in shown.rows:
        yield (name, *values)
    yield (TOTALS, *shown.totals)


def _harmless(cell: Any) -> str:
    match cell:
        case None:
            return ""
        case float():
            return str(cell).replace(".", ",")
        case str() if cell.startswith(RISKY):
            return f"'{cell}"
        case _:
            return str(cell)


def spreadsheet(shown: Table) -> IO[bytes]:
    """An Excel file, at its beginning. Texts are written as texts, never as formulas."""
    file = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 -- closed once it is sent
    workbook = xlsxwriter.Workbook(file, {"constant_memory": True})
    try:
        _write(workbook, shown)
    finally:
        workbook.close()
    file.seek(0)
    return file


def _write(workbook: Any, shown: Table) -> None:
    sheet = workbook.add_worksheet("Отчёт")
    formats = {"count": {"num_format": "#,##0"}, "percent": {"num_format": "0.0"}}
    plain = {name: workbook.add_format(format_) for name, format_ in formats.items()}
    line_above = {"bold": True, "top": 1}
    total = {name: workbook.add_format({**f, **line_above}) for name, f in formats.items()}
    heading = workbook.add_format(
        {"bold": True, "text_wrap": True, "valign": "vcenter", "align": "center", "bottom": 1}
    )
    bold = workbook.add_format({"bold": True})
    title = workbook.add_format({"bold": True, "font_size": 14})

    sheet.set_column(0, 0, 34)
    sheet.set_column(1, len(COLUMNS), 12)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    header_at = len(shown.above) + 2
    sheet.freeze_panes(header_at + 1, 1)
    sheet.repeat_rows(header_at)

    sheet.write_string(0, 0, TITLE, title)
    for at, (label, value) in enumerate(shown.above, 1):
        sheet.write_string(at, 0, label, bold)
        sheet.write_string(at, 1, value)
    sheet.set_row(header_at, 32)
    for column, text in enumerate(shown.header):
        sheet.write_string(header_at, column, text, heading)

    def row(at: int, name: str, values: list[int | float | None], styles: Any, first: Any) -> None:
        sheet.write_string(at, 0, name, first)
        for column, (value, described) in enumerate(zip(values, COLUMNS, strict=True), 1):
            if value is None:
                sheet.write_blank(at, column, None, styles[described.format])
            else:
                sheet.write_number(at, column, value, styles[described.format])

    at = header_at
    for name, values in shown.rows:
        at += 1
        row(at, name, values, plain, None)
    row(at + 1, TOTALS, shown.totals, total, workbook.add_format(line_above))


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
