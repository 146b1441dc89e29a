"""GET /contacts.csv and /contacts.xlsx: the rows of the JSON, for a spreadsheet."""

from typing import Any

import pytest
import structlog

from query_api.auth import audit
from query_api.files.csv_file import harmless
from query_api.report.contact_table import CONTACT_COLUMNS
from support.api import Api
from support.events import DAY, called, planned
from support.golden import day_events
from support.issuer import Issuer
from support.tables import csv_rows, sheet_of
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")

TITLES = [column.title for column in CONTACT_COLUMNS]
SEEN: dict[str, Any] = {"columns": "task_id,contact_no,client,address,calls,contribution"}

QUERIES: list[dict[str, Any]] = [
    {"date": DAY, "counter": "calls"},
    {"date": DAY, "counter": "overdue", "sort": "-client"},
    {"date": DAY, "counter": "planned", "manager_id": "mgr-2", "q": "ул"},
    {"date_from": "2026-11-20", "date_to": "2026-11-27", "counter": "refusals", "sort": "address"},
]


async def write_days(writer: Writer, api: Api) -> None:
    events = day_events()
    for first in range(0, len(events), 300):
        await writer.write(events[first : first + 300])
    await api.up_to_date()


async def all_rows(api: Api, query: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    cursor: dict[str, str] = {}
    while True:
        page = await api.get("/contacts", limit=500, **query, **cursor)
        rows += page["items"]
        if page["next_cursor"] is None:
            return rows
        cursor = {"cursor": page["next_cursor"]}


def below(rows: list[list[Any]], header: list[str]) -> list[list[Any]]:
    return rows[rows.index(header) + 1 :]


@pytest.mark.parametrize("query", QUERIES, ids=str)
async def test_the_files_hold_the_rows_of_the_json_in_their_order(
    query: dict[str, Any], writer: Writer, api: Api
) -> None:
    await write_days(writer, api)
    expected = [
        [
            item["task_id"],
            item["contact_no"],
            item["client"]["name"],
            item["address"]["text"],
            item["calls"],
            item["contribution"],
        ]
        for item in await all_rows(api, query)
    ]

    from_csv = csv_rows(await api.raw("/contacts.csv", **query, **SEEN))
    from_xlsx, _ = sheet_of(await api.raw("/contacts.xlsx", **query, **SEEN))

    header = ["Задача", "№ контакта", "Контрагент", "Адрес", "Звонков", "Вклад"]
    assert expected
    assert below(from_csv, header) == [[str(cell) for cell in row] for row in expected]
    assert below(from_xlsx, header) == expected


async def test_filters_sum_and_version_are_written_above_the_rows(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1", operator="op-1"), called("T1", operator="op-1")])
    await api.up_to_date()
    asked: dict[str, Any] = {
        "date": DAY,
        "operator_id": "op-1",
        "counter": "calls",
        "task_id": "T1",
    }
    etag = (await api.raw("/report", date=DAY, operator_id="op-1")).headers["etag"]

    answer = await api.raw("/contacts.csv", **asked)

    rows = csv_rows(answer)
    above = {row[0]: row[1:] for row in rows[: rows.index([])]}
    assert above["Дата контакта"] == ["24.11.2026"]
    assert above["Показатель"] == ["Звонков"]
    assert above["Задача"] == ["T1"]
    assert above["Строк"] == above["Сумма"] == ["1"]
    assert above["Версия"] == [etag]
    assert "Данные на" in above
    assert rows[rows.index([]) + 1] == TITLES
    assert answer.headers["content-disposition"] == (
        f'attachment; filename="obzvon-contacts-{DAY}.csv"'
    )
    assert answer.headers["obzvon-as-of"]


async def test_without_a_counter_nothing_is_summed(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1")])
    await api.up_to_date()

    rows = csv_rows(await api.raw("/contacts.csv", date=DAY))

    assert "Сумма" not in {row[0] for row in rows if row}
    assert rows[rows.index([]) + 1] == [title for title in TITLES if title != "Вклад"]


async def test_text_of_a_filter_that_finds_nothing_is_not_repeated(
    writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await api.up_to_date()
    strange = '=HYPERLINK("http://x")'

    for name in ("operator_id", "manager_id", "task_id", "client_id", "address_id", "order", "q"):
        for path in ("/contacts.csv", "/report.csv"):
            if path == "/contacts.csv" or name in ("operator_id", "manager_id"):
                answer = await api.raw(path, None, **{"date": DAY, name: strange})
                assert answer.status_code == 200
                assert "HYPERLINK" not in answer.text


@pytest.mark.parametrize("name", ["=1+1", "\u00a0=1", "\x0b=1", "\x85=1", " -2", "﹢1", "a,=1+1"])
async def test_text_never_becomes_a_formula(name: str, writer: Writer, api: Api) -> None:
    await writer.write([planned("T1", client_name=name)])
    await api.up_to_date()

    answer = await api.raw("/contacts.csv", date=DAY, columns="client")

    quoted = answer.content.decode("utf-8-sig").split("\r\n")[-2]
    assert quoted == f'"{harmless(name)}"'
    assert (harmless(name) == name) == (name == "a,=1+1")


async def test_a_version_that_has_gone_and_an_unknown_column_are_told(
    writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await api.up_to_date()
    for path in ("/contacts.csv", "/contacts.xlsx"):
        gone = await api.raw(path, date=DAY, version='W/"another"')
        unknown = await api.raw(path, date=DAY, columns="client,salary")

        assert gone.status_code == 410
        assert unknown.status_code == 422
        [error] = unknown.json()["errors"]
        assert error["field"] == "columns"
        assert "salary" in error["message"]
        assert "last_delivery_date" in error["message"]


async def test_a_restricted_head_does_not_see_who_else_holds_a_contact(
    writer: Writer, api: Api, issuer: Issuer
) -> None:
    await writer.write(
        [planned("T1", operator="op-2", operator_name="Чужая"), called("T1", operator="op-1")]
    )
    await api.up_to_date()
    token = issuer.token("head", obzvon_operators=["op-1"])
    headers = {"Authorization": f"Bearer {token}"}
    asked: dict[str, Any] = {"date": DAY, "counter": "calls", "columns": "operator,contribution"}

    rows = csv_rows(await api.raw("/contacts.csv", headers, **asked))
    filtered = csv_rows(await api.raw("/contacts.csv", headers, **asked, operator_id="op-2"))

    assert rows[-1] == ["Другой оператор", "1"]
    assert "Чужая" not in str(filtered)


async def test_an_export_leaves_one_line_in_the_audit_log(
    writer: Writer, api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    await writer.write([planned("T1", client_name="ООО «Тайна»")])
    await api.up_to_date()

    capture = structlog.testing.LogCapture()
    log = structlog.wrap_logger(
        structlog.PrintLogger(), processors=[capture], wrapper_class=structlog.BoundLogger
    )
    monkeypatch.setattr(audit, "log", log)

    await api.raw("/contacts.csv", date=DAY, q="тайна", sort="client")

    [line] = capture.entries
    assert line["event"] == "rows exported"
    assert (line["filters"], line["rows"]) == ("date,q", 1)
    assert line["who"].startswith("token:")
    assert line["what"] == "GET /api/v1/contacts.csv"
    assert "тайна" not in str(line).lower()
