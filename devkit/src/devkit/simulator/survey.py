"""Prints the campaign that the simulator draws from, and simulated days: the figures of docs/simulator.md.

python -m devkit.simulator.survey
"""

import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import date
from statistics import mean, median
from zoneinfo import ZoneInfo

from contracts.values import COUNTERS
from devkit.simulator.campaign_sample import campaign_contacts
from devkit.simulator.clock import DAY, HOUR, Clock
from devkit.simulator.day import timetable
from devkit.simulator.day_plan import DayPlan
from devkit.simulator.delivery_profile import DELIVERY
from devkit.simulator.event_writer import SimulatedEvent
from projector.fold.calendar import Calendar
from projector.fold.cells import cells
from projector.fold.contacts import contacts
from projector.fold.facts import fact_of_event

CALLED = "task-called.v1"


def describe_campaign() -> Iterable[str]:
    """Yields lines about the real campaign: calls per contact, length of the last call, success."""
    sample = campaign_contacts()
    calls = Counter(min(one.calls, 8) for one in sample)
    yield "campaign"
    yield f"  contacts {len(sample)}, calls {sum(one.calls for one in sample)}"
    yield f"  calls per contact: mean {mean(one.calls for one in sample):.2f}"
    shares = [
        f"{number}{'+' if number == 8 else ''}: {count / len(sample):.1%}"
        for number, count in sorted(calls.items())
    ]
    yield "    " + ", ".join(shares)
    for is_success, name in ((True, "sold"), (False, "not sold")):
        lengths = [one.duration_s for one in sample if one.is_success is is_success]
        yield (
            f"  last call, {name} ({len(lengths) / len(sample):.1%}): "
            f"median {median(lengths):.0f} s, mean {mean(lengths):.0f} s"
        )


def describe_day(plan: DayPlan) -> Iterable[str]:
    """Yields lines about a simulated day: its events, its calls, and its report at three hours."""
    day = timetable(plan)
    of = f"{plan.operators} operators and {plan.tasks} tasks, seed {plan.seed}"
    before = f", {plan.days_before} days before" if plan.days_before else ""
    yield f"{plan.profile.name} day of {of}{before}"
    types = Counter(one.event["type"] for one in day)
    yield f"  events {len(day)}: " + _by_count(types)
    calls = list(_calls_of_the_day(day))
    yield f"  outcomes: {_by_count(Counter(one.event['data']['outcome'] for one in calls))}"
    per_task = Counter(Counter(one.event["subject"] for one in calls).values())
    total = sum(per_task.values())
    yield f"  calls per called task: mean {len(calls) / total:.2f}"
    shares = [f"{number}: {count / total:.1%}" for number, count in sorted(per_task.items())]
    yield "    " + ", ".join(shares)
    for outcome in ("ordered", "answered", "refused", "no_answer"):
        lengths = [
            one.event["data"]["duration_s"]
            for one in calls
            if one.event["data"]["outcome"] == outcome
        ]
        yield f"  {outcome}: median {median(lengths):.0f} s, mean {mean(lengths):.0f} s"
    hours = Counter(one.second // HOUR for one in calls)
    yield "  calls begun in the hour: " + ", ".join(f"{h}: {n}" for h, n in sorted(hours.items()))
    for hour in (11.5, 15, 24):
        figures = report(day, plan, hour)
        shown = ", ".join(f"{name} {count}" for name, count in figures.items())
        yield f"  report at {int(hour)}:{int(hour % 1 * 60):02}: {shown}"


def report(day: Sequence[SimulatedEvent], plan: DayPlan, hour: float) -> dict[str, int]:
    """Returns the report's totals for the plan's date, from what is reported by this hour of it."""
    facts_of = defaultdict(list)
    for one in day:
        if one.reported <= hour * HOUR:
            facts_of[one.event["subject"]].append(fact_of_event(one.event))
    on = plan.date.isoformat()
    now = plan.clock.moment(hour * HOUR) / 60
    calendar = Calendar(plan.clock.timezone)
    standings = ("planned", "postponed", "dropped")
    names = [f"{state}.{one}" for state in ("active", "overdue") for one in standings]
    figures = dict.fromkeys([*COUNTERS, *names, "overdue.carried"], 0)
    for facts in facts_of.values():
        found = contacts(facts, calendar)
        for (counted_on, *_), counts in cells(found).items():
            if counted_on == on:
                for name, count in zip(COUNTERS, counts, strict=True):
                    figures[name] += count
        for contact in found:
            if contact.status not in ("open", "dropped") or contact.contact_date > on:
                continue
            standing = "dropped" if contact.status == "dropped" else contact.kind
            if contact.deadline > now:
                figures[f"active.{standing}"] += 1
            else:
                figures[f"overdue.{standing}"] += 1
                figures["overdue.carried"] += contact.contact_date < on
    return figures


def _calls_of_the_day(day: Sequence[SimulatedEvent]) -> Iterable[SimulatedEvent]:
    """Yields the calls of the date itself, as they were reported first."""
    known = set()
    for one in day:
        if one.event["type"] == CALLED and 0 <= one.second < DAY:
            call_id = one.event["data"]["call_id"]
            if call_id not in known:
                known.add(call_id)
                yield one


def _by_count(counts: Counter[str]) -> str:
    return ", ".join(
        f"{name.removeprefix('task-').removesuffix('.v1')} {count}"
        for name, count in counts.most_common()
    )


def main() -> None:
    clock = Clock.of_date(date(2025, 11, 24), ZoneInfo("Europe/Moscow"))
    lines = [
        *describe_day(DayPlan(clock, profile=DELIVERY, days_before=DELIVERY.days_before)),
        *describe_campaign(),
        *describe_day(DayPlan(clock)),
        *describe_day(DayPlan(clock, operators=200, tasks=20_000)),
    ]
    sys.stdout.write("\n".join(lines) + "\n")


if __name__ == "__main__":
    main()
