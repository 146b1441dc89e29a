"""A real telephone campaign as events: the mapping of docs/campaign.md.

python -m devkit.simulator.campaign tests/fixtures/campaign/bank-additional.csv --first-day 2025-09-01 > events.jsonl
obzvon publish events.jsonl
"""

import argparse
import json
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from devkit.simulator.campaign_sample import contact_of, read_campaign
from devkit.simulator.names import address, client, client_of_address, manager, operator

OPERATORS: Final = 20
MANAGERS: Final = 4

MONTHS: Final = ("mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
"""The months in which the campaign called; each becomes one week of the replay."""

WEEKDAYS: Final = ("mon", "tue", "wed", "thu", "fri")

DAYS: Final = 92
"""A range of so many days from the first one covers the replay, which takes at most 74."""

LONGEST_PAUSE: Final = timedelta(minutes=40)
"""Longest time between the beginnings of two calls to one client."""

UNANSWERED_BELOW_S: Final = 5
REFUSED_BELOW_S: Final = 120
"""A last call without a sale is, by its length, unanswered, otherwise refused, otherwise answered."""

MOSCOW: Final = ZoneInfo("Europe/Moscow")


def contact_date(month: str, weekday: str, first_day: date) -> date:
    """Returns the contact date of a row; the first month's week begins on the first Monday from `first_day` on."""
    monday = first_day + timedelta(days=-first_day.weekday() % 7)
    return monday + timedelta(weeks=MONTHS.index(month), days=WEEKDAYS.index(weekday))


def events(
    csv_path: Path, first_day: date, timezone: ZoneInfo = MOSCOW
) -> Iterator[dict[str, Any]]:
    """Yields the campaign's events in order of time: a plan for each row, and its calls.

    The contact dates are within `DAYS` days from `first_day`. The same arguments give the same
    events, ids included; another first day gives other ids.
    """
    made: list[tuple[datetime, int, dict[str, Any]]] = []
    on_date: Counter[date] = Counter()
    for number, row in enumerate(read_campaign(csv_path), 1):
        day = contact_date(row["month"], row["day_of_week"], first_day)
        place = on_date[day]
        on_date[day] += 1
        task = f"campaign-{first_day:%Y%m%d}-{number:04}"
        for moment, event in _events_of(task, number, row, day, place, timezone):
            made.append((moment, len(made), event))
    made.sort()
    for _, _, event in made:
        yield event


def _events_of(
    task: str, number: int, row: dict[str, str], day: date, place: int, timezone: ZoneInfo
) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Yields one row's events. `place` is the row's number among those of its date, from 0."""
    holder = operator((number - 1) % OPERATORS + 1)
    evening = datetime.combine(day - timedelta(days=1), time(18), timezone)
    planned_at = evening + timedelta(seconds=place)
    yield (
        planned_at,
        {
            "specversion": "1.0",
            "id": f"{task}-plan",
            "source": "/campaign/crm",
            "type": "task-planned.v1",
            "subject": task,
            "time": planned_at.isoformat(),
            "datacontenttype": "application/json",
            "data": {
                "operator": holder,
                "manager": manager((number - 1) % MANAGERS + 1),
                "client": client(client_of_address(number - 1)),
                "address": address(number - 1),
                "contact_date": day.isoformat(),
                "plan_date": (day + timedelta(days=1)).isoformat(),
                "origin": "forecast",
            },
        },
    )
    sample = contact_of(row)
    # 0.618…: successive places spread evenly over the morning, whatever their number
    first_call = datetime.combine(day, time(9), timezone) + place * 0.618034 % 1 * timedelta(
        hours=5
    )
    evening_call = datetime.combine(day, time(19, 30), timezone)
    pause = min(LONGEST_PAUSE, (evening_call - first_call) / sample.calls)
    for nth in range(1, sample.calls + 1):
        called_at = first_call + (nth - 1) * pause
        call: dict[str, Any] = {"call_id": f"{task}-call-{nth}", "operator": holder}
        if nth < sample.calls:
            call["outcome"] = "busy" if (number + nth) % 4 == 0 else "no_answer"
        else:
            call["duration_s"] = sample.duration_s
            if sample.is_success:
                call["outcome"] = "ordered"
                call["order"] = {"id": f"{task}-order", "number": f"К-{number:04}"}
            elif sample.duration_s < UNANSWERED_BELOW_S:
                call["outcome"] = "no_answer"
            else:
                call["outcome"] = "refused" if sample.duration_s < REFUSED_BELOW_S else "answered"
        yield (
            called_at,
            {
                "specversion": "1.0",
                "id": f"{task}-call-{nth}",
                "source": "/campaign/telephony",
                "type": "task-called.v1",
                "subject": task,
                "time": called_at.isoformat(timespec="seconds"),
                "datacontenttype": "application/json",
                "data": call,
            },
        )


def main() -> None:
    parser = argparse.ArgumentParser(description="Print the campaign as CloudEvents, one a line")
    parser.add_argument("csv", type=Path, help="bank-additional.csv of the Bank Marketing data set")
    parser.add_argument("--first-day", type=date.fromisoformat, required=True)
    arguments = parser.parse_args()
    for event in events(arguments.csv, arguments.first_day):
        sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
