"""What the pure fold makes of events: tasks, contacts, and the figures of a report."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from contracts.values import COUNTERS, STANDINGS
from projector.fold.calendar import Calendar
from projector.fold.cells import cells, hours, open_counts
from projector.fold.contacts import Contact
from projector.fold.facts import fact_of_event
from projector.fold.task import Task
from support.courses import Course, course_of_slots


def tasks_of(events: Iterable[dict[str, Any]], calendar: Calendar) -> dict[str, Task]:
    """Task id → the task with all its events, folded."""
    tasks: dict[str, Task] = {}
    for event in events:
        tasks.setdefault(event["subject"], Task(calendar)).add(fact_of_event(event))
    for task in tasks.values():
        task.fold()
    return tasks


def contacts_of(events: Iterable[dict[str, Any]], calendar: Calendar) -> list[Contact]:
    return [contact for task in tasks_of(events, calendar).values() for contact in task.contacts]


def report_of(contacts: list[Contact], date: str, now: datetime) -> dict[str, dict[str, Any]]:
    """Operator id → the figures that the cells and open counts give, without percentages."""
    lines: dict[str, dict[str, Any]] = defaultdict(
        lambda: {
            **dict.fromkeys(COUNTERS, 0),
            "active": dict.fromkeys((*STANDINGS, "total"), 0),
            "overdue": dict.fromkeys((*STANDINGS, "total", "carried"), 0),
        }
    )
    for (day, operator, *_), counts in cells(contacts).items():
        if day == date:
            line = lines[operator or ""]
            for name, number in zip(COUNTERS, counts, strict=True):
                line[name] += number
    minute = int(now.timestamp()) // 60
    for (day, operator, *_, deadline, standing), number in open_counts(contacts).items():
        if day > date or (day < date and deadline > minute):
            continue
        side = lines[operator or ""]["overdue" if deadline <= minute else "active"]
        side[standing] += number
        side["total"] += number
        if day < date:
            side["carried"] += number
    return dict(lines)


def course_of(
    contacts: list[Contact],
    date: str,
    *,
    operator_id: str | None = None,
    manager_id: str | None = None,
    plan_date: str | None = None,
) -> Course:
    """The course of a date that the hours give."""
    return course_of_slots(
        slots
        for (day, operator, manager, plan), slots in hours(contacts).items()
        if day == date
        and operator_id in (None, operator or "")
        and manager_id in (None, manager or "")
        and plan_date in (None, plan or "none")
    )


def without_percentages(report: dict[str, Any]) -> dict[str, Any]:
    return {
        operator: {name: value for name, value in line.items() if not name.endswith("_percent")}
        for operator, line in report.items()
    }
