"""GET /contacts in pages: how rows are sorted, and what a cursor guarantees."""

from typing import Any

import pytest

from query_api.report.pages import SORTS
from support.api import Api
from support.events import DAY, planned
from support.golden import day_events
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_rows_due_at_the_first_and_last_possible_time_are_listed(
    writer: Writer, api: Api
) -> None:
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
async def test_paging_continues_after_the_longest_names(
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


async def test_paging_continues_while_rows_are_added_and_removed(writer: Writer, api: Api) -> None:
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
