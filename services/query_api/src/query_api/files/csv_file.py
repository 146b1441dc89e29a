"""CSV for Excel with Russian settings: semicolons, decimal commas, a byte order mark."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from query_api.report.table import TITLE, TOTALS, Cell, Table

CHUNK: Final = 64 * 1024
"""Characters sent at a time."""

BYTE_ORDER_MARK: Final = "\ufeff"

_FORMULA: Final = ("=", "+", "-", "@", "\u2212")
"""What a spreadsheet program may take for the beginning of a formula, in its plainest form."""

_RISKY: Final = ("\t", "\r", "\n")


def csv_chunks(shown: Table) -> Iterator[bytes]:
    """Yields the report's table."""
    lines = csv_head(TITLE, shown.above, shown.header)
    portion, size = [lines], len(lines)
    for cells in ((name, *values) for name, values in (*shown.rows, (TOTALS, shown.totals))):
        portion.append(csv_line(cells))
        size += len(portion[-1])
        if size >= CHUNK:
            yield "".join(portion).encode()
            portion, size = [], 0
    yield "".join(portion).encode()


def csv_head(title: str, above: Iterable[tuple[str, str]], header: Sequence[str]) -> str:
    """Returns the lines above a table, and its header."""
    lines: list[Sequence[Cell]] = [(title,), *above, (), header]
    return BYTE_ORDER_MARK + "".join(map(csv_line, lines))


def csv_line(cells: Sequence[Cell]) -> str:
    return ";".join(map(_written, cells)) + "\r\n"


def _written(cell: Cell) -> str:
    match cell:
        case None:
            return ""
        case str():
            # Always quoted: a reader that splits at commas must not find a formula behind one.
            return '"' + harmless(cell).replace('"', '""') + '"'
        case float():
            return str(cell).replace(".", ",")
        case _:
            return str(cell)


def harmless(text: str) -> str:
    """Returns the text, with an apostrophe in front if it may be taken for a formula.

    Programs trim: what counts is the first character that is seen, in whatever width it is written.
    """
    if text.startswith(_RISKY):
        return f"'{text}"
    for character in text:
        if character.isspace() or unicodedata.category(character)[0] in "CZ":
            continue
        is_formula = unicodedata.normalize("NFKC", character).startswith(_FORMULA)
        return f"'{text}" if is_formula else text
    return text
