"""What a CSV or an Excel file of the API holds, cell by cell."""

import csv
import io
import zipfile
from typing import Any
from xml.etree import ElementTree as ET

import httpx

XML = {"x": "http://schemas.openxmlformats.org/spreadsheetml/2006/main"}


def csv_rows(answer: httpx.Response) -> list[list[str]]:
    assert answer.status_code == 200, answer.text
    return list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig")), delimiter=";"))


def sheet_of(answer: httpx.Response) -> tuple[list[list[Any]], ET.Element]:
    """Returns the cells of the only sheet, and its XML."""
    with zipfile.ZipFile(io.BytesIO(answer.content)) as file:
        sheet = ET.fromstring(file.read("xl/worksheets/sheet1.xml"))
    rows = []
    for row in sheet.iterfind(".//x:row", XML):
        cells: list[Any] = []
        for cell in row.iterfind("x:c", XML):
            text = cell.find("x:is/x:t", XML)
            value = cell.find("x:v", XML)
            assert cell.find("x:f", XML) is None, "no cell holds a formula"
            if text is not None:
                cells.append(text.text)
            else:
                cells.append(None if value is None else float(value.text or ""))
        rows.append(cells)
    return rows, sheet
