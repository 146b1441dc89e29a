"""GET /contacts.csv and /contacts.xlsx: the rows behind a number as a file."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final, NamedTuple

from fastapi import Request
from starlette.responses import Response, StreamingResponse

from query_api.auth import Caller, RowsCaller, audit
from query_api.files.csv_file import csv_head, csv_line
from query_api.files.xlsx_file import Spreadsheet, file_chunks
from query_api.http.contact_parameters import ContactFileParameters
from query_api.http.headers import attachment, freshness_headers
from query_api.http.openapi.examples import CONTACTS_CSV as EXAMPLE
from query_api.http.openapi.parameters import documented
from query_api.http.openapi.problems import FAULT, GONE, REFUSALS, UNPROCESSABLE
from query_api.http.openapi.responses import CSV, XLSX, csv_answer, xlsx_answer
from query_api.http.parameters import read_query
from query_api.http.routers import api_router
from query_api.reader.look_ups import look_up
from query_api.report.contact_table import (
    CONTACTS_TITLE,
    ContactColumn,
    filter_lines,
    without_strangers,
)
from query_api.report.named_rows import NamedRow
from query_api.report.table import Cell, chosen_lines, freshness_lines
from query_api.routes.rows_behind import RowsBehind, rows_behind
from query_api.state import ApiState, state_of

router = api_router("contacts")

PORTION: Final = 1_000
"""Rows whose names are looked up and that are written at a time."""


class _ContactFile(NamedTuple):
    """What goes into a file; the rows are in their order, their names yet to be looked up."""

    state: ApiState
    behind: RowsBehind
    above: list[tuple[str, str]]
    columns: tuple[ContactColumn, ...]
    rows: list[NamedRow]
    headers: dict[str, str]

    async def portions(self) -> AsyncIterator[list[list[Cell]]]:
        """Yields the cells of the rows; those that were yielded are let go."""
        query, zone, redis = self.behind.query, self.state.reports.zone, self.state.redis
        self.rows.reverse()
        while self.rows:
            some = self.rows[: -PORTION - 1 : -1]
            del self.rows[-PORTION:]
            yield [
                [column.value(named, query, zone) for column in self.columns]
                for named in await look_up(redis, self.behind.snapshot, some)
            ]


@router.get(
    "/contacts.csv",
    response_class=StreamingResponse,
    responses={
        **REFUSALS,
        200: csv_answer("The rows for a spreadsheet, as /report.csv is written", EXAMPLE),
        410: GONE,
        422: UNPROCESSABLE,
        500: FAULT,
    },
    openapi_extra={"parameters": documented(ContactFileParameters)},
    summary="The contacts behind a figure as CSV",
)
async def contacts_csv(request: Request, caller: RowsCaller) -> Response:
    file = await _file(request, caller, "csv")
    return StreamingResponse(_csv(file), media_type=CSV, headers=file.headers)


@router.get(
    "/contacts.xlsx",
    response_class=StreamingResponse,
    responses={
        **REFUSALS,
        200: xlsx_answer("The rows as a spreadsheet"),
        410: GONE,
        422: UNPROCESSABLE,
        500: FAULT,
    },
    openapi_extra={"parameters": documented(ContactFileParameters)},
    summary="The contacts behind a figure as an Excel file",
)
async def contacts_xlsx(request: Request, caller: RowsCaller) -> Response:
    file = await _file(request, caller, "xlsx")
    return StreamingResponse(_xlsx(file), media_type=XLSX, headers=file.headers)


async def _file(request: Request, caller: Caller, extension: str) -> _ContactFile:
    state = state_of(request.app)
    zone = state.reports.zone
    asked = read_query(request, ContactFileParameters)
    order, lookups = asked.row_order, asked.lookup_filter
    behind = await rows_behind(state, asked, caller.restriction)
    asked.expect(behind.version)
    looked_up = await look_up(
        state.redis, behind.snapshot, behind.rows, order.parts - lookups.parts
    )
    keyed = [(order.key(one), one) for one in without_strangers(looked_up, behind.query.scope)]
    rows = [named for _, named in order.arranged(keyed)]
    computed = behind.computed
    above = [
        *chosen_lines(computed.merged, behind.snapshot, behind.report),
        *filter_lines(behind.query, lookups, has_rows=bool(rows)),
        ("Строк", str(len(rows))),
        *([] if behind.sum is None else [("Сумма", str(behind.sum))]),
        *freshness_lines(behind.fresh, computed.computed_at, computed.complete_since, zone),
        ("Версия", behind.version),
    ]
    filters = asked.model_fields_set - {"columns", "sort", "version"}
    audit.log_export(request.scope, caller, filters, len(rows))
    headers = {
        "Cache-Control": "private, no-store",
        "Content-Disposition": attachment("obzvon-contacts", behind.query.period, extension),
        **freshness_headers(behind.fresh, zone),
    }
    behind.rows.clear()
    return _ContactFile(state, behind, above, asked.chosen_columns, rows, headers)


async def _csv(file: _ContactFile) -> AsyncIterator[bytes]:
    titles = [column.title for column in file.columns]
    yield csv_head(CONTACTS_TITLE, file.above, titles).encode()
    async for portion in file.portions():
        yield "".join(map(csv_line, portion)).encode()


async def _xlsx(file: _ContactFile) -> AsyncIterator[bytes]:
    columns = [(column.title, column.format) for column in file.columns]
    made = Spreadsheet("Контакты", CONTACTS_TITLE, file.above, columns)
    try:
        async for portion in file.portions():
            await asyncio.to_thread(made.add, portion)
        done = await asyncio.to_thread(made.finish)
        for chunk in file_chunks(done):
            yield chunk
    finally:
        made.abandon()
