"""GET /contacts and /filters: the rows behind every number, over a real Redis."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.report import ContactPage, Pickers
from query_api.report.pages import SORTS
from query_api.report.row_query import COUNTER_NAMES
from support.api import Api
from support.events import DAY, called, delivered, failed, planned, postponed
from support.golden import RULES, day_events, load
from support.issuer import Issuer
from support.row_histories import DAYS, MANAGERS, OPERATORS, PLAN_DATES, histories
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


def figure(line: dict[str, Any], name: str) -> int:
    group, _, part = name.partition(".")
    return int(line[group][part] if part else line[group])


async def behind(api: Api, **parameters: Any) -> int:
    """The sum of the contributions of every page."""
    total, rows = 0, 0
    cursor: dict[str, str] = {}
    while True:
        page = await api.get("/contacts", limit=7, **parameters, **cursor)
        total += sum(item["contribution"] for item in page["items"])
        rows += len(page["items"])
        if page["next_cursor"] is None:
            assert rows == page["total"]
            return int(total)
        cursor = {"cursor": page["next_cursor"]}


async def test_the_rows_behind_a_figure_sum_to_it(writer: Writer, api: Api) -> None:
    for number, path in enumerate(RULES):
        events = load(path)["events"]
        for event in events:  # the rules share ids: keep them apart
            event["subject"] = f"{number}-{event['subject']}"
        await writer.write(events)
    await api.up_to_date()

    for dates in ({"date": DAY}, {"date_from": DAY, "date_to": "2026-11-26"}):
        report = await api.get("/report", **dates)
        for counter in sorted(set(COUNTER_NAMES.values())):
            assert await behind(api, counter=counter, **dates) == figure(report["totals"], counter)
            for line in report["operators"]:
                of_line = {"operator_id": line["operator"]["id"], **dates}
                assert await behind(api, counter=counter, **of_line) == figure(line, counter)


ids = st.none() | st.sampled_from([operator or "" for operator in OPERATORS])
managers = st.none() | st.sampled_from([manager or "" for manager in MANAGERS])
plan_dates = st.none() | st.sampled_from([date or "none" for date in PLAN_DATES])
restrictions = st.none() | st.lists(st.sampled_from([o or "" for o in OPERATORS]), unique=True)


@settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(
    events=histories(tasks=6, steps=5),
    days=st.tuples(st.sampled_from(DAYS), st.sampled_from(DAYS)),
    operator=ids,
    manager=managers,
    plan_date=plan_dates,
    restriction=restrictions,
)
async def test_figures_and_rows_agree_under_filters_ranges_and_restrictions(
    redis_url: str,
    client: Any,
    writer: Writer,
    api: Api,
    issuer: Issuer,
    events: list[dict[str, Any]],
    days: tuple[str, str],
    operator: str | None,
    manager: str | None,
    plan_date: str | None,
    restriction: list[str] | None,
) -> None:
    await client.flushall()
    await writer.start()
    await writer.write(events)
    await api.up_to_date()
    claims: dict[str, Any] = {} if restriction is None else {"obzvon_operators": restriction}
    api.client.headers["Authorization"] = f"Bearer {issuer.token('head', **claims)}"
    asked = {
        "date_from": min(days),
        "date_to": max(days),
        "operator_id": operator,
        "manager_id": manager,
        "plan_date": plan_date,
    }
    asked = {name: value for name, value in asked.items() if value is not None}

    report = await api.get("/report", **asked)

    for counter in sorted(set(COUNTER_NAMES.values())):
        assert await behind(api, counter=counter, **asked) == figure(report["totals"], counter)


async def test_a_row_shows_everything_of_its_contact(writer: Writer, api: Api) -> None:
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


async def test_rows_that_are_due_at_the_ends_of_time_are_listed(writer: Writer, api: Api) -> None:
    await writer.write(
        [
            planned("first", due_at="0001-01-01T00:00:00+14:00"),
            planned("never", due_at="9999-12-31T23:59:59Z"),
            planned("last", due_at="9999-12-31T23:59:59-14:00"),
        ]
    )
    await api.up_to_date()

    page = await api.get("/contacts", date=DAY, sort="due_at")

    assert [(item["task_id"], item["due_at"]) for item in page["items"]] == [
        ("first", "0001-01-01T00:00:00+00:00"),
        ("never", "9999-12-31T23:59:00+00:00"),
        ("last", "9999-12-31T23:59:00+00:00"),
    ]


async def test_a_call_on_somebody_else_s_contact_is_found_under_its_caller(
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


async def test_rows_are_filtered_by_what_happened_to_them(writer: Writer, api: Api) -> None:
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


async def test_every_sort_pages_through_all_rows_in_both_directions(
    writer: Writer, api: Api
) -> None:
    await writer.write(day_events()[:600])
    await api.up_to_date()
    dates = {"date_from": "2026-11-20", "date_to": "2026-11-30"}

    for sort in (*SORTS, *(f"-{column}" for column in SORTS)):
        whole = await api.get("/contacts", sort=sort, limit=500, **dates)
        seen: list[Any] = []
        cursor: dict[str, str] = {}
        while True:
            page = await api.get("/contacts", sort=sort, limit=97, **dates, **cursor)
            seen += page["items"]
            if page["next_cursor"] is None:
                break
            cursor = {"cursor": page["next_cursor"]}
        assert seen == whole["items"], sort
        assert len({(item["task_id"], item["contact_no"]) for item in seen}) == whole["total"]


@pytest.mark.parametrize("letter", ["ж", "😀", "\x01"])
@pytest.mark.parametrize("sort", ["client", "-address", "operator"])
async def test_pages_go_on_behind_the_longest_names(
    letter: str, sort: str, writer: Writer, api: Api
) -> None:
    name = letter * 2_000
    await writer.write(
        planned(f"{n}" * 128, operator_name=name, client_name=name, address_text=name)
        for n in range(3)
    )
    await api.up_to_date()

    first = await api.get("/contacts", date=DAY, sort=sort, limit=2)
    second = await api.get("/contacts", date=DAY, sort=sort, limit=2, cursor=first["next_cursor"])

    met = {item["task_id"] for page in (first, second) for item in page["items"]}
    assert len(met) == 3


async def test_the_same_contact_is_listed_once_however_many_called(
    writer: Writer, api: Api
) -> None:
    await writer.write(
        [planned("T1"), called("T1"), called("T1", operator="op-2"), called("T1", operator="op-3")]
    )
    await api.up_to_date()

    page = await api.get("/contacts", date=DAY, counter="calls")

    assert [(item["task_id"], item["contribution"]) for item in page["items"]] == [("T1", 3)]


async def test_a_page_follows_its_cursor_while_rows_come_and_go(writer: Writer, api: Api) -> None:
    await writer.write([planned(f"T{n}") for n in range(6)])
    await api.up_to_date()
    first = await api.get("/contacts", date=DAY, sort="task_id", limit=3)

    await writer.write([planned("T1a"), planned("T2", date="2026-11-25", at="09:00")])
    await api.up_to_date()
    second = await api.get(
        "/contacts", date=DAY, sort="task_id", limit=3, cursor=first["next_cursor"]
    )

    assert [item["task_id"] for item in first["items"]] == ["T0", "T1", "T2"]
    assert [item["task_id"] for item in second["items"]] == ["T3", "T4", "T5"]
    assert second["next_cursor"] is None


async def test_a_name_is_found_and_stands_in_its_place_with_or_without_the_dots_of_yo(
    writer: Writer, api: Api
) -> None:
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


async def test_the_pickers_show_who_is_in_the_report(writer: Writer, api: Api) -> None:
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
