"""GET /contacts and /filters: which rows are listed, and what they show."""

from typing import Any

import pytest

from contracts.report import ContactPage, Pickers
from support.api import Api
from support.events import DAY, called, delivered, failed, planned, postponed
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_row_shows_every_field_of_its_contact(writer: Writer, api: Api) -> None:
    await writer.write(
        [
            planned(
                "T1",
                plan_date="2026-11-25",
                due_at=f"{DAY}T15:30:59+03:00",
                last_delivery_date="2026-11-01",
                origin="forecast",
                client="c-7",
                client_name="ООО «Ромашка»",
                address="a-7",
                address_text="г. Казань, ул. Баумана, 7",
            ),
            called("T1", "no_answer", at="09:00", operator="op-2"),
            called("T1", "ordered", at="10:00", order="o-1"),
            planned("T2", address="a-7", date="2026-11-01", at="07:00"),
            called("T2", "ordered", order="o-2"),
            delivered("T2", "o-2"),
        ]
    )
    await api.up_to_date()

    page = await api.get("/contacts", date=DAY)

    ContactPage.model_validate(page)
    assert page["items"] == [
        {
            "task_id": "T1",
            "contact_no": 1,
            "contact_date": DAY,
            "plan_date": "2026-11-25",
            "due_at": f"{DAY}T15:30:00+03:00",
            "operator": {"id": "op-1", "name": "Оператор op-1"},
            "manager": {"id": "mgr-1", "name": "Менеджер mgr-1"},
            "client": {"id": "c-7", "name": "ООО «Ромашка»"},
            "address": {"id": "a-7", "text": "г. Казань, ул. Баумана, 7"},
            "origin": "forecast",
            "kind": "planned",
            "status": "ordered",
            "overdue": False,
            "orders": [{"id": "o-1", "number": "o-1"}],
            "calls": 2,
            "refusals": 0,
            "postponements": 0,
            "postpone_comment": None,
            "comment": None,
            "last_call_at": f"{DAY}T10:00:00+03:00",
            "last_delivery_date": DAY,
            "contribution": None,
        }
    ]


async def test_call_on_another_operators_contact_is_listed_under_its_caller(
    writer: Writer, api: Api
) -> None:
    await writer.write(
        [
            planned("T1", operator='op "1", [x]'),
            called("T1", operator="оп/2\\"),
            called("T1", operator="оп/2\\"),
        ]
    )
    await api.up_to_date()

    page = await api.get("/contacts", date=DAY, counter="calls", operator_id="оп/2\\")

    assert [(i["task_id"], i["operator"]["id"], i["contribution"]) for i in page["items"]] == [
        ("T1", 'op "1", [x]', 2)
    ]


async def test_overdue_rows_include_those_of_earlier_dates(writer: Writer, api: Api) -> None:
    await writer.write(
        [
            planned("T1", date="2026-11-20"),
            planned("T2", due_at=f"{DAY}T11:00:00+03:00"),
            planned("T3"),
            planned("T4", date="2026-11-20"),
            failed("T4", "no_contact"),
            planned("T5", date="2026-11-20", due_at="2026-11-30T11:00:00+03:00"),
        ]
    )
    await api.up_to_date()

    async def found(**asked: Any) -> list[str]:
        page = await api.get("/contacts", date=DAY, sort="task_id", **asked)
        return [item["task_id"] for item in page["items"]]

    assert await found(overdue="true") == ["T1", "T2"]
    assert await found(overdue="false") == ["T3"]
    assert await found(counter="overdue.carried") == ["T1"]
    assert await found(counter="overdue_total") == ["T1", "T2"]
    assert await found() == ["T2", "T3"]


async def test_rows_are_filtered_by_their_columns(writer: Writer, api: Api) -> None:
    await writer.write(
        [
            planned("T1", client_name="ООО «РОМАШКА»", client="c-1"),
            planned("T2", client_name="ИП Петров", client="c-2", address_text="ул. Ромашковая, 1"),
            planned("T3", client_name="ИП Сидоров", client="c-3", address="a-3"),
            failed("T3", "address_drop"),
            planned("T4", date="2026-11-23", client="c-4", address="a-4"),
            postponed("T4", DAY, comment="позже"),
        ]
    )
    await api.up_to_date()

    async def found(**asked: Any) -> list[str]:
        page = await api.get("/contacts", date=DAY, sort="task_id", **asked)
        assert page["total"] == len(page["items"])
        return [item["task_id"] for item in page["items"]]

    assert await found(status="dropped") == ["T3"]
    assert await found(kind="postponed") == ["T4"]
    assert await found(status="open", kind="planned") == ["T1", "T2"]
    assert await found(q="сидоров") == ["T3"]
    assert await found(q="баумана") == []
    assert await found(q="адрес a-4") == ["T4"]


async def test_rows_are_filtered_by_their_outcome(writer: Writer, api: Api) -> None:
    await writer.write(
        [
            planned("T1", client="c-1", address="a-1", origin="forecast"),
            called("T1"),
            called("T1", "ordered", order="o-7"),
            planned("T2", client="c-2", address="a-2", last_delivery_date="2026-11-10"),
            called("T2"),
            planned("T3", client="c-1", address="a-3", last_delivery_date="2026-11-20"),
            postponed("T3", DAY, at="09:00"),
            postponed("T3", DAY, at="10:00"),
        ]
    )
    await api.up_to_date()

    async def found(**asked: Any) -> list[str]:
        page = await api.get("/contacts", date=DAY, sort="task_id", **asked)
        return [item["task_id"] for item in page["items"]]

    assert await found(client_id="c-1") == ["T1", "T3"]
    assert await found(address_id="a-2") == ["T2"]
    assert await found(task_id="T3") == ["T3"]
    assert await found(origin="forecast") == ["T1"]
    assert await found(origin="none") == ["T2", "T3"]
    assert await found(order="o-7") == ["T1"]
    assert await found(min_calls=1) == ["T1", "T2"]
    assert await found(min_calls=1, max_calls=1) == ["T2"]
    assert await found(max_calls=0) == ["T3"]
    assert await found(min_postponements=2) == ["T3"]
    assert await found(last_delivery_from="2026-11-11") == ["T3"]
    assert await found(last_delivery_to="2026-11-11") == ["T1", "T2"]


async def test_contact_called_by_several_operators_is_listed_once(writer: Writer, api: Api) -> None:
    await writer.write(
        [planned("T1"), called("T1"), called("T1", operator="op-2"), called("T1", operator="op-3")]
    )
    await api.up_to_date()

    page = await api.get("/contacts", date=DAY, counter="calls")

    assert [(item["task_id"], item["contribution"]) for item in page["items"]] == [("T1", 3)]


async def test_names_are_found_and_sorted_alike_with_e_and_yo(writer: Writer, api: Api) -> None:
    names = {"op-1": "Ямщикова", "op-2": "Ёлкина", "op-3": "Дятлов"}
    await writer.write(
        planned(f"T-{id_}", operator=id_, operator_name=name, client=id_, client_name=name)
        for id_, name in names.items()
    )
    await api.up_to_date()
    in_order = ["Дятлов", "Ёлкина", "Ямщикова"]

    for text in ("елкин", "ЁЛКИН"):
        page = await api.get("/contacts", date=DAY, q=text)
        assert [item["client"]["name"] for item in page["items"]] == ["Ёлкина"]
    page = await api.get("/contacts", date=DAY, sort="client")
    assert [item["client"]["name"] for item in page["items"]] == in_order
    report = await api.get("/report", date=DAY)
    assert [line["operator"]["name"] for line in report["operators"]] == in_order
    pickers = await api.get("/filters", date=DAY)
    assert [operator["name"] for operator in pickers["operators"]] == in_order


WRONG = [
    ("counter=sales", "counter"),
    ("status=lost", "status"),
    ("kind=new", "kind"),
    ("overdue=maybe", "overdue"),
    ("sort=price", "sort"),
    ("cursor=abc", "cursor"),
    ("limit=0", "limit"),
    ("limit=501", "limit"),
    ("limit=x", "limit"),
]


async def test_a_wrong_parameter_is_named(api: Api) -> None:
    for query, field in WRONG:
        answer = await api.client.get(f"/api/v1/contacts?{query}")

        assert answer.status_code == 422, query
        assert answer.headers["content-type"] == "application/problem+json"
        assert [error["field"] for error in answer.json()["errors"]] == [field]


async def test_filters_list_everyone_in_the_report(writer: Writer, api: Api) -> None:
    await writer.write(
        [
            planned("T1", operator="op-2", plan_date="2026-11-25"),
            planned("T2", operator=None, manager=None),
            called("T2", operator="op-3"),
            planned("T3", operator="op-1", manager="mgr-2", date="2026-11-20"),
            planned("T4", operator="op-9", manager="mgr-9", date="2026-11-30"),
        ]
    )
    await api.up_to_date()

    found = await api.get("/filters", date=DAY)

    Pickers.model_validate(found)
    assert [one["id"] for one in found["operators"]] == ["op-1", "op-2", "op-3", ""]
    assert [one["name"] for one in found["managers"]] == [
        "Менеджер mgr-1",
        "Менеджер mgr-2",
        "Без менеджера",
    ]
    assert found["plan_dates"] == ["2026-11-25"]
