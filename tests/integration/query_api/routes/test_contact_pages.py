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


async def test_a_page_whose_version_has_gone_is_told_so(writer: Writer, api: Api) -> None:
    await writer.write([planned(f"T{n}") for n in range(4)])
    await api.up_to_date()
    first = await api.get("/contacts", date=DAY, sort="task_id", limit=2)
    of_version = {"version": first["version"], "cursor": first["next_cursor"]}
    second = await api.get("/contacts", date=DAY, sort="task_id", limit=2, **of_version)

    await writer.write([planned("T9")])
    gone = await api.raw("/contacts", date=DAY, sort="task_id", limit=2, **of_version)
    only_cursor = await api.get(
        "/contacts", date=DAY, sort="task_id", limit=2, cursor=first["next_cursor"]
    )

    assert [item["task_id"] for item in second["items"]] == ["T2", "T3"]
    assert second["version"] == first["version"]
    assert gone.status_code == 410
    assert gone.headers["content-type"] == "application/problem+json"
    [error] = gone.json()["errors"]
    assert (error["field"], error["value"]) == ("version", first["version"])
    assert only_cursor["version"] in error["message"]
    assert only_cursor["total"] == 5


async def test_a_version_goes_when_a_deadline_passes(writer: Writer, api: Api) -> None:
    await writer.write([planned("T1", due_at=f"{DAY}T12:30:00+03:00")])
    await api.up_to_date()
    before = await api.get("/contacts", date=DAY, counter="overdue")

    api.clock.now = f"{DAY}T12:30:00+03:00"
    gone = await api.raw("/contacts", date=DAY, counter="overdue", version=before["version"])
    after = await api.get("/contacts", date=DAY, counter="overdue")

    assert (before["sum"], after["sum"]) == (0, 1)
    assert gone.status_code == 410
    assert after["version"] == (await api.raw("/report", date=DAY)).headers["etag"]


async def test_a_strong_tag_is_as_good_as_the_weak_one_and_other_text_is_refused(
    writer: Writer, api: Api
) -> None:
    await writer.write([planned("T1")])
    await api.up_to_date()
    page = await api.get("/contacts", date=DAY)

    strong = await api.raw("/contacts", date=DAY, version=page["version"].removeprefix("W/"))
    wrong = await api.raw("/contacts", date=DAY, version="yesterday")

    assert page["sum"] is None, "without a counter there is nothing to sum"
    assert strong.status_code == 200
    assert wrong.status_code == 422
    assert [error["field"] for error in wrong.json()["errors"]] == ["version"]
