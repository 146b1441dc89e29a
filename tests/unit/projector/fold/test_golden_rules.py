"""The specification as data, held by the fold alone: no engine, no API."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from projector.fold.calendar import Calendar
from projector.fold.task import last_deliveries
from projector.fold.version import FOLD_VERSION
from support.courses import without_empty
from support.folded import (
    contacts_of,
    course_of,
    report_of,
    tasks_of,
    without_percentages,
)
from support.golden import GOLDEN, RULES, day_events, load

DAYS = load(GOLDEN / "days" / "expected.json")
COURSES = load(GOLDEN / "days" / "expected_hours.json")
UNFILTERED = [case for case in DAYS["reports"] if not case["filters"]]

OF_CONTACT = (
    *("contact_no", "contact_date", "plan_date", "operator", "manager", "client", "address"),
    *("kind", "status", "postponements", "postpone_comment", "comment", "last_call_at"),
)
"""What a contact of the fold has under the same name as one of golden."""


def golden_contacts_of(events: list[dict[str, Any]], calendar: Calendar) -> list[dict[str, Any]]:
    """Every contact as golden writes one, by task and number."""
    tasks = tasks_of(events, calendar)
    delivered: dict[str, str] = {}
    for task in tasks.values():
        for address, date in last_deliveries(task.facts.values(), calendar).items():
            delivered[address] = max(date, delivered.get(address, ""))
    return [
        {
            "task_id": task_id,
            **{name: getattr(contact, name) for name in OF_CONTACT},
            "deadline": contact.deadline * 60,
            "calls": sum(number for _, number in contact.calls),
            "refusals": sum(number for _, number in contact.refusals),
            "orders": [order for order, _ in contact.orders],
            "delivered": contact.is_delivered,
            "dropped": contact.was_dropped,
            "last_delivery_date": delivered.get(contact.address),
        }
        for task_id, task in sorted(tasks.items())
        for contact in task.contacts
    ]


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.stem)
def test_rule_gives_its_contacts(rule: Path) -> None:
    case = load(rule)
    calendar = Calendar.of(case["timezone"], case["day_end"])
    expected = [
        {**contact, "deadline": int(datetime.fromisoformat(contact["deadline"]).timestamp())}
        for contact in case["contacts"]
    ]
    expected.sort(key=lambda contact: (contact["task_id"], contact["contact_no"]))
    assert golden_contacts_of(case["events"], calendar) == expected


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.stem)
def test_rule_gives_its_report(rule: Path) -> None:
    case = load(rule)
    calendar = Calendar.of(case["timezone"], case["day_end"])
    contacts = contacts_of(case["events"], calendar)
    now = datetime.fromisoformat(case["now"])
    for date, expected in case["report"].items():
        assert report_of(contacts, date, now) == without_percentages(expected)


@pytest.mark.parametrize("rule", RULES, ids=lambda path: path.stem)
def test_rule_gives_its_hours(rule: Path) -> None:
    case = load(rule)
    contacts = contacts_of(case["events"], Calendar.of(case["timezone"], case["day_end"]))
    dates = case["hours"].keys() | {contact.contact_date for contact in contacts}
    for date in dates:
        assert without_empty(course_of(contacts, date)) == case["hours"].get(date, [])


def test_fold_version_is_the_one_of_the_committed_layout() -> None:
    """What is held against that layout on engines is in test_redis_layout.py."""
    assert load(GOLDEN / "days" / "redis-layout.json")["fold"] == FOLD_VERSION


def test_days_give_their_reports() -> None:
    calendar = Calendar.of(DAYS["timezone"], DAYS["day_end"])
    contacts = contacts_of(day_events(), calendar)
    assert UNFILTERED
    for case in UNFILTERED:
        now = datetime.fromisoformat(case["now"])
        expected = without_percentages(case["operators"])
        assert report_of(contacts, case["date"], now) == expected


@pytest.mark.parametrize("case", COURSES["hours"], ids=lambda case: str(case["filters"]))
def test_days_give_their_hours(case: dict[str, Any]) -> None:
    calendar = Calendar.of(COURSES["timezone"], "24:00")
    found = course_of(contacts_of(day_events(), calendar), case["date"], **case["filters"])
    assert found == case["hours"]
