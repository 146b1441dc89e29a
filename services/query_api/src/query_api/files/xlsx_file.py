"""Tables as Excel files."""

from collections.abc import Iterable, Iterator, Sequence
from tempfile import SpooledTemporaryFile, TemporaryDirectory
from typing import IO, Any, Final

import xlsxwriter

from query_api.report.table import TITLE, TOTALS, Cell, Format, Table

CHUNK: Final = 64 * 1024
"""Bytes sent at a time."""

IN_MEMORY: Final = 4 * 1024 * 1024
"""Bytes up to which a spreadsheet is made in memory; a larger one is made on disk."""

FORMATS: Final[dict[Format, dict[str, str]]] = {
    "text": {},
    "count": {"num_format": "#,##0"},
    "percent": {"num_format": "0.0"},
}


class Spreadsheet:
    """An Excel file that is written from top to bottom. Texts are never written as formulas."""

    def __init__(
        self,
        sheet: str,
        title: str,
        above: Sequence[tuple[str, str]],
        columns: Sequence[tuple[str, Format]],
    ) -> None:
        """`columns` are the titles and formats of the table."""
        self._file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 -- `abandon`
        self._folder = TemporaryDirectory(prefix="obzvon-xlsx-")
        options = {"constant_memory": True, "tmpdir": self._folder.name}
        self._workbook = xlsxwriter.Workbook(self._file, options)
        self._sheet = self._workbook.add_worksheet(sheet)
        self._columns = columns
        self._plain = self._styles({})
        self._at = len(above) + 2
        self._write_head(title, above)

    def _styles(self, more: dict[str, Any]) -> dict[Format, Any]:
        return {name: self._workbook.add_format({**f, **more}) for name, f in FORMATS.items()}

    def _write_head(self, title: str, above: Sequence[tuple[str, str]]) -> None:
        sheet, at = self._sheet, self._at
        heading = self._workbook.add_format(
            {"bold": True, "text_wrap": True, "valign": "vcenter", "align": "center", "bottom": 1}
        )
        bold = self._workbook.add_format({"bold": True})
        for column, (_, format_) in enumerate(self._columns):
            narrow = 12 if format_ != "text" else 22
            sheet.set_column(column, column, 34 if column == 0 else narrow)
        sheet.set_landscape()
        sheet.fit_to_pages(1, 0)
        sheet.freeze_panes(at + 1, 1)
        sheet.repeat_rows(at)
        large = self._workbook.add_format({"bold": True, "font_size": 14})
        sheet.write_string(0, 0, title, large)
        for line, (label, value) in enumerate(above, 1):
            sheet.write_string(line, 0, label, bold)
            sheet.write_string(line, 1, value)
        sheet.set_row(at, 32)
        for column, (text, _) in enumerate(self._columns):
            sheet.write_string(at, column, text, heading)

    def add(self, rows: Iterable[Sequence[Cell]]) -> None:
        for cells in rows:
            self._add(cells, self._plain)

    def add_totals(self, cells: Sequence[Cell]) -> None:
        self._add(cells, self._styles({"bold": True, "top": 1}))

    def _add(self, cells: Sequence[Cell], styles: dict[Format, Any]) -> None:
        self._at += 1
        for column, (cell, (_, format_)) in enumerate(zip(cells, self._columns, strict=True)):
            match cell:
                case None:
                    self._sheet.write_blank(self._at, column, None, styles[format_])
                case str():
                    self._sheet.write_string(self._at, column, cell, styles[format_])
                case _:
                    self._sheet.write_number(self._at, column, cell, styles[format_])

    def finish(self) -> IO[bytes]:
        """Returns the file, open at its beginning."""
        self._workbook.close()
        self._folder.cleanup()
        self._file.seek(0)
        return self._file

    def abandon(self) -> None:
        """Leaves nothing behind, finished or not."""
        self._workbook.fileclosed = 1  # or its destructor would try to finish it
        self._folder.cleanup()
        self._file.close()


def spreadsheet(shown: Table) -> IO[bytes]:
    """Returns the report's table as an Excel file, open at its beginning."""
    formats: list[Format] = ["text", *(column.format for column in shown.columns)]
    columns = list(zip(shown.header, formats, strict=True))
    made = Spreadsheet("Отчёт", TITLE, shown.above, columns)
    made.add((name, *values) for name, values in shown.rows)
    made.add_totals((TOTALS, *shown.totals))
    return made.finish()


def file_chunks(file: IO[bytes]) -> Iterator[bytes]:
    """Yields the file's bytes, a portion at a time, and closes it."""
    with file:
        while chunk := file.read(CHUNK):
            yield chunk
