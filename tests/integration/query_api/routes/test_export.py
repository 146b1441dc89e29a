"""GET /report.csv and /report.xlsx: the figures of the JSON, for a spreadsheet."""

import re
from typing import Any

import pytest

from query_api.report.table import COLUMNS
from support.api import Api
from support.events import DAY, planned
from support.golden import day_events
from support.issuer import Issuer
from support.tables import XML, csv_rows, sheet_of
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")

QUERIES: list[dict[str, str]] = [
    {"date": DAY},
    {"date": DAY, "manager_id": "mgr-2"},
    {"date": DAY, "plan_date": "none", "operator_id": "op-1"},
    {"date_from": "2026-11-20", "date_to": "2026-11-27"},
]


async def write_days(writer: Writer, api: Api) -> None:
    events = day_events()
    for first in range(0, len(events), 300):
        await writer.write(events[first : first + 300])
    await api.up_to_date()


def expected_rows(report: dict[str, Any]) -> list[list[Any]]:
    lines = [(line["operator"]["name"], line) for line in report["operators"]]
    lines.append(("Итого", report["totals"]))
    return [[name, *(column.value(line) for column in COLUMNS)] for name, line in lines]


def number(text: str) -> int | float | None:
    if not text:
        return None
    return float(text.replace(",", ".")) if "," in text else int(text)


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_the_files_hold_the_figures_of_the_json(
    query: dict[str, Any], writer: Writer, api: Api
) -> None:
    await write_days(writer, api)
    expected = expected_rows(await api.get("/report", **query))

    from_csv = csv_rows(await api.raw("/report.csv", **query))
    from_xlsx, _ = sheet_of(await api.raw("/report.xlsx", **query))

    header = ["Оператор", *(column.title for column in COLUMNS)]
    below = from_csv[from_csv.index(header) + 1 :]
    assert [[name, *map(number, cells)] for name, *cells in below] == expected
    assert from_xlsx[from_xlsx.index(header) + 1 :] == expected


async def test_filters_and_freshness_are_written_above_the_table(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1", manager="mgr-1")])
    await writer.sample(age_s=60)
    await api.up_to_date()
    asked: dict[str, Any] = {
        "date": DAY,
        "manager_id": "mgr-1",
        "operator_id": "",
        "plan_date": "2026-11-25",
    }

    rows = csv_rows(await api.raw("/report.csv", **asked))

    above = {row[0]: row[1:] for row in rows[: rows.index([])]}
    assert [*above] == [
        "Оперативная работа по обзвону",
        "Дата контакта",
        "Оператор",
        "Менеджер",
        "Дата плана",
        "Данные на",
        "Активные и просроченные на",
        "Внимание",
    ]
    assert above["Дата контакта"] == ["24.11.2026"]
    assert above["Оператор"] == ["Без оператора"]
    assert above["Менеджер"] == ["Менеджер mgr-1"]
    assert above["Дата плана"] == ["25.11.2026"]
    assert above["Активные и просроченные на"] == ["24.11.2026 12:00:00 (Europe/Moscow)"]
    assert re.fullmatch(r"\d\d\.\d\d\.\d{4} [\d:]{8} \(Europe/Moscow\)", above["Данные на"][0])


@pytest.mark.parametrize(
    "name", ["=1+1", "+7 900", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝1", '=HYPERLINK("http://x")']
)
async def test_a_name_never_becomes_a_formula(name: str, writer: Writer, api: Api) -> None:
    await writer.write([planned("T1", operator_name=name)])
    await api.up_to_date()

    from_csv = csv_rows(await api.raw("/report.csv", date=DAY))
    from_xlsx, _ = sheet_of(await api.raw("/report.xlsx", date=DAY))

    assert from_csv[-2][0] == f"'{name}".replace("\r", "\n") or from_csv[-2][0] == f"'{name}"
    assert from_xlsx[-2][0].replace("_x000D_", "\r") == name


async def test_a_name_with_separators_and_quotes_stays_one_cell(writer: Writer, api: Api) -> None:
    name = 'Иванова; "Анна"\nПетровна'
    await writer.write([planned("T1", operator_name=name)])
    await api.up_to_date()

    from_csv = csv_rows(await api.raw("/report.csv", date=DAY))
    from_xlsx, _ = sheet_of(await api.raw("/report.xlsx", date=DAY))

    assert from_csv[-2][0] == name
    assert from_xlsx[-2][0] == name


async def test_the_header_is_frozen_and_numbers_have_formats(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1")])
    await api.up_to_date()

    rows, sheet = sheet_of(await api.raw("/report.xlsx", date=DAY))

    pane = sheet.find(".//x:pane", XML)
    assert pane is not None
    assert pane.get("state") == "frozen"
    header_at = next(at for at, row in enumerate(rows) if row and row[0] == "Оператор")
    last_row = sheet.findall(".//x:row", XML)[-1]
    styles = {cell.get("s") for cell in last_row.findall("x:c", XML)}
    assert len(styles) == 3, "text, counts and percents"
    assert rows[header_at][1] == "План"


async def test_exports_have_the_right_content_type_and_file_name(writer: Writer, api: Api) -> None:
    as_csv = await api.raw("/report.csv", date=DAY)
    as_xlsx = await api.raw("/report.xlsx", date_from=DAY, date_to="2026-11-25")

    assert as_csv.headers["content-type"] == "text/csv; charset=utf-8"
    assert as_csv.headers["content-disposition"] == f'attachment; filename="obzvon-{DAY}.csv"'
    assert as_csv.content.startswith(b"\xef\xbb\xbf")
    assert as_xlsx.headers["content-disposition"] == (
        f'attachment; filename="obzvon-{DAY}_2026-11-25.xlsx"'
    )
    assert as_xlsx.headers["obzvon-as-of"]
    assert as_xlsx.content.startswith(b"PK")


async def test_a_wrong_parameter_of_a_file_is_named(api: Api) -> None:
    for path in ("/report.csv", "/report.xlsx"):
        answer = await api.raw(path, date="yesterday")
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["date"]


@pytest.mark.parametrize("path", ["/report.csv", "/report.xlsx"])
async def test_a_file_has_the_columns_and_the_order_that_are_asked_for(
    path: str, writer: Writer, api: Api
) -> None:
    await write_days(writer, api)
    report = await api.get("/report", date=DAY)
    asked: dict[str, Any] = {"columns": "overdue_carried,calls,active", "sort": "-calls"}

    answer = await api.raw(path, date=DAY, **asked)

    rows = csv_rows(answer) if path == "/report.csv" else sheet_of(answer)[0]
    header = ["Оператор", "Из них с прошлых дат", "Звонков", "Активные: всего"]
    shown = [[name, *map(int, cells)] for name, *cells in rows[rows.index(header) + 1 :]]
    lines = sorted(report["operators"], key=lambda line: line["calls"], reverse=True)
    named = [*((line["operator"]["name"], line) for line in lines), ("Итого", report["totals"])]
    assert shown == [
        [name, line["overdue"]["carried"], line["calls"], line["active"]["total"]]
        for name, line in named
    ]


@pytest.mark.parametrize("field", ["columns", "sort"])
async def test_an_unknown_column_is_named_with_those_there_are(field: str, api: Api) -> None:
    for path in ("/report.csv", "/report.xlsx"):
        answer = await api.raw(path, None, **{"date": DAY, field: "salary"})

        assert answer.status_code == 422
        [error] = answer.json()["errors"]
        assert error["field"] == field
        assert "'salary'" in error["message"]
        assert "overdue.carried" in error["message"]


async def test_the_heading_names_nobody_outside_the_restriction(
    writer: Writer, api: Api, issuer: Issuer
) -> None:
    await writer.write([planned("T1", operator="op-2", operator_name="Чужая", manager="mgr-9")])
    await api.up_to_date()
    token = issuer.token("head", obzvon_operators=["op-1"])

    choices: list[dict[str, Any]] = [{"operator_id": "op-2"}, {"manager_id": "mgr-9"}]
    for asked in choices:
        headers = {"Authorization": f"Bearer {token}"}
        text = (await api.raw("/report.csv", headers, date=DAY, **asked)).text
        assert "Не найден" in text
        assert not {"Чужая", "Менеджер mgr-9", "op-2", "mgr-9"} & set(text.split('"'))
