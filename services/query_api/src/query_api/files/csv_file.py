"""The report's table as CSV."""

import csv
import io
from collections.abc import Iterator, Sequence
from typing import Any, Final

from query_api.report.table import TITLE, TOTALS, Table

CHUNK: Final = 64 * 1024
"""Bytes sent at a time."""

RISKY: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
"""What a spreadsheet program may take for the beginning of a formula."""


def csv_chunks(shown: Table) -> Iterator[bytes]:
    """Yields CSV for Excel with Russian settings: semicolons, decimal commas, a byte order mark."""
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
