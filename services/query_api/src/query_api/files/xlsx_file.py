"""The report's table as an Excel file."""

from collections.abc import Iterator
from tempfile import SpooledTemporaryFile
from typing import IO, Any, Final

import xlsxwriter

from query_api.report.table import COLUMNS, TITLE, TOTALS, Table

CHUNK: Final = 64 * 1024
"""Bytes sent at a time."""

IN_MEMORY: Final = 4 * 1024 * 1024
"""Bytes up to which a spreadsheet is made in memory; a larger one is made on disk."""


def spreadsheet(shown: Table) -> IO[bytes]:
    """Returns an Excel file, open at its beginning. Texts are never written as formulas."""
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


def file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yields the file's bytes, a portion at a time, and closes it."""
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
