"""The specification as data, end to end: published to Kafka and read from the API."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.api import Api, running_api
from support.courses import without_empty
from support.golden import GOLDEN, RULES
from support.issuer import Issuer
from support.projecting import running_projector, shards_of
from support.publishing import publish
from support.topics import Topic

DAYS = json.loads((GOLDEN / "days" / "expected.json").read_text())
COURSES = json.loads((GOLDEN / "days" / "expected_hours.json").read_text())


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.stem)
async def test_a_rule_gives_its_report_its_hours_and_its_contacts(
    rule: Path, topic: Topic, redis_url: str, issuer: Issuer
) -> None:
    case = json.loads(rule.read_text())
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await publish(topic, case["events"])
        await shards.caught_up()
        async with running_api(redis_url, issuer, case["now"]) as api:
            await api.up_to_date()
            for date, expected in case["report"].items():
                assert await api.report(date=date) == expected
            for date, expected in case["hours"].items():
                course = await api.get("/hours", date=date)
                assert without_empty(course["hours"]) == expected
            assert await contacts_of(api, case["contacts"]) == [
                as_row(contact) for contact in case["contacts"]
            ]


async def test_the_days_give_their_six_reports_and_five_courses(
    topic: Topic, redis_url: str, issuer: Issuer
) -> None:
    lines = (GOLDEN / "days" / "events.jsonl").read_text().splitlines()
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await publish(topic, [json.loads(line) for line in lines])
        await shards.caught_up()
        async with running_api(redis_url, issuer) as api:
            await api.up_to_date()
            assert len(DAYS["reports"]) == 6
            for case in DAYS["reports"]:
                api.clock.now = case["now"]
                assert await api.report(date=case["date"], **case["filters"]) == case["operators"]
            assert len(COURSES["hours"]) == 5
            for case in COURSES["hours"]:
                course = await api.get("/hours", date=case["date"], **case["filters"])
                assert course["hours"] == case["hours"]


async def contacts_of(api: Api, expected: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Returns every contact of the expected dates as the API's rows show it, in golden's order."""
    rows = []
    for date in sorted({contact["contact_date"] for contact in expected}):
        page = await api.get("/contacts", date=date, limit=200)
        assert page["next_cursor"] is None
        rows += page["items"]
    order = [(contact["task_id"], contact["contact_no"]) for contact in expected]
    rows.sort(key=lambda row: order.index((row["task_id"], row["contact_no"])))
    return [
        {
            **{name: row[name] for name in SAME},
            **{name: row[name] and row[name]["id"] for name in PARTIES},
            "orders": [order["id"] for order in row["orders"]],
            "last_call_at": row["last_call_at"] and instant(row["last_call_at"]),
        }
        for row in rows
    ]


PARTIES = ("operator", "manager", "client", "address")
SAME = (
    "task_id",
    "contact_no",
    "contact_date",
    "plan_date",
    "kind",
    "status",
    "calls",
    "refusals",
    "postponements",
    "postpone_comment",
    "comment",
    "last_delivery_date",
)


def as_row(contact: dict[str, Any]) -> dict[str, Any]:
    """Returns the fields of golden's contact that a row of the API has."""
    return {
        **{name: contact[name] for name in (*SAME, *PARTIES)},
        "orders": contact["orders"],
        "last_call_at": contact["last_call_at"] and instant(contact["last_call_at"]),
    }


def instant(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()
