"""The simulated day of a delivery business, and the week before it."""

import json
from collections import Counter, defaultdict
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from statistics import mean
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import EVENT_ADAPTER
from devkit.simulator.clock import DAY, HOUR, Clock
from devkit.simulator.day import timetable
from devkit.simulator.day_plan import DayPlan
from devkit.simulator.delivery_profile import DELIVERY
from devkit.simulator.event_writer import SimulatedEvent
from devkit.simulator.simulated_day import SimulatedDay
from devkit.simulator.survey import report

MOSCOW = ZoneInfo("Europe/Moscow")
DATE = date(2025, 11, 24)
MIDNIGHT = datetime(2025, 11, 24, tzinfo=MOSCOW).timestamp()
SEEDS = range(1, 6)

seeds = pytest.mark.parametrize("seed", SEEDS)


def plan(
    operators: int = 12,
    tasks: int = 600,
    seed: int = 1,
    days_before: int = DELIVERY.days_before,
    clock: Clock | None = None,
) -> DayPlan:
    return DayPlan(
        clock or Clock.of_date(DATE, MOSCOW), operators, tasks, seed, DELIVERY, days_before
    )


@cache
def week(seed: int) -> tuple[SimulatedEvent, ...]:
    return tuple(timetable(plan(seed=seed)))


@cache
def figures(seed: int, hour: float = 24) -> dict[str, int]:
    return report(week(seed), plan(seed=seed), hour)


def share(seed: int, counter: str) -> float:
    """The day's counter in percent of the plan."""
    found = figures(seed)
    return 100 * found[counter] / found["planned"]


def calls(seed: int, of_day: int = 0) -> list[SimulatedEvent]:
    """Calls of the date so many days after the simulated one, as they were reported first."""
    found: dict[str, SimulatedEvent] = {}
    for one in week(seed):
        if one.event["type"] == "task-called.v1" and one.second // DAY == of_day:
            found.setdefault(one.event["data"]["call_id"], one)
    return list(found.values())


@seeds
@pytest.mark.parametrize(
    ("counter", "least", "most"),
    [
        ("ordered", 45, 60),
        ("postponed", 20, 34),
        ("no_contact", 3, 10),
        ("refused", 2, 8),
        ("refusals", 2, 9),
        ("dropped", 1.5, 6),
        ("drop_closed", 0.5, 4),
        ("delivered", 0.3, 6),
    ],
)
def test_each_share_of_the_plan_is_believable_at_the_days_end(
    seed: int, counter: str, least: float, most: float
) -> None:
    assert least <= share(seed, counter) <= most


@seeds
def test_the_plan_has_about_as_many_contacts_as_asked_for(seed: int) -> None:
    assert 0.95 * 600 <= figures(seed)["planned"] <= 1.05 * 600
    assert 1.6 <= figures(seed)["calls"] / figures(seed)["planned"] <= 2.4


@seeds
def test_few_contacts_are_overdue_and_some_of_them_are_carried(seed: int) -> None:
    found = figures(seed)
    overdue = sum(found[f"overdue.{standing}"] for standing in ("planned", "postponed", "dropped"))
    assert 3 <= found["overdue.carried"] <= 0.06 * 600
    assert overdue - found["overdue.carried"] <= 0.1 * 600


@seeds
def test_every_counter_shows_something_in_the_afternoon(seed: int) -> None:
    found = figures(seed, 15)
    nothing = {name for name, count in found.items() if not count}
    assert nothing <= {"active.dropped", "overdue.dropped"}  # a handful of addresses at a time


@seeds
def test_calls_dip_at_lunch_and_end_in_the_evening(seed: int) -> None:
    in_hour = Counter(one.second // HOUR for one in calls(seed))
    busy = mean([in_hour[11], in_hour[12], in_hour[14], in_hour[15]])
    assert in_hour[13] < 0.75 * busy
    assert in_hour[9] < 0.75 * busy
    assert in_hour[18] < 0.75 * busy
    assert sum(count for hour, count in in_hour.items() if not 9 <= hour < 20) == 0


@seeds
def test_a_skilled_operator_takes_more_orders_of_the_same_number_of_talks(seed: int) -> None:
    skills = {one.party["id"]: one.skill for one in SimulatedDay(plan(seed=seed)).operators}
    outcomes: dict[str, Counter[str]] = defaultdict(Counter)
    for day in range(-7, 1):
        for one in calls(seed, day):
            data = one.event["data"]
            outcomes[data["operator"]["id"]][data["outcome"]] += 1
    success = {by: of["ordered"] / of.total() for by, of in outcomes.items()}
    ordered = sorted(skills, key=lambda operator: skills[operator])
    worst, best = ordered[:4], ordered[-4:]
    assert mean(success[one] for one in best) > 1.1 * mean(success[one] for one in worst)


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_each_day_of_the_week_before_has_comparable_figures(seed: int) -> None:
    for days in range(1, 8):
        on = replace(plan(seed=seed), clock=Clock.of_date(DATE - timedelta(days=days), MOSCOW))
        found = report(week(seed), on, 24 + 24 * days)
        volume = DELIVERY.weekday_volume[on.date.weekday()]
        assert found["planned"] == pytest.approx(600 * volume, rel=0.12), on.date
        assert 0.42 <= found["ordered"] / found["planned"] <= 0.7, on.date
        assert found["delivered"] > 0.85 * found["ordered"] or days == 1, on.date


@seeds
def test_orders_of_earlier_days_are_delivered_on_their_plan_date(seed: int) -> None:
    plan_dates, ordered_on = {}, {}
    on_plan_date, others = 0, 0
    for one in week(seed):
        data, task = one.event["data"], one.event["subject"]
        if "plan_date" in data:
            plan_dates[task] = data["plan_date"] and date.fromisoformat(data["plan_date"])
        if data.get("order"):
            ordered_on[data["order"]["id"]] = one.second // DAY
        is_delivered_today = one.event["type"] == "task-delivered.v1" and 0 <= one.second < DAY
        is_earlier = ordered_on.get(data.get("order_id"), 0) < 0
        if is_delivered_today and is_earlier and plan_dates[task]:
            on_plan_date += plan_dates[task] == DATE
            others += plan_dates[task] != DATE
    assert on_plan_date > 50
    assert others <= 0.05 * on_plan_date  # called late, or planned again


def test_contacts_are_about_a_delivery_one_or_two_days_later_and_some_have_a_due_time() -> None:
    planned = [one.event["data"] for one in week(1) if one.event["type"] == "task-planned.v1"]
    ahead = Counter(
        (date.fromisoformat(data["plan_date"]) - date.fromisoformat(data["contact_date"])).days
        if data["plan_date"]
        else None
        for data in planned
    )
    assert set(ahead) == {1, 2, None}
    assert ahead[1] > ahead[2] > ahead[None]
    assert 0.08 < sum("due_at" in data for data in planned) / len(planned) < 0.2


@seeds
def test_no_operator_makes_two_calls_at_once_in_the_whole_week(seed: int) -> None:
    spans = defaultdict(list)
    for day in range(-7, 1):
        for one in calls(seed, day):
            spans[one.event["data"]["operator"]["id"]].append((one.second, one.reported))
    for of_operator in spans.values():
        of_operator.sort()
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(of_operator))


small_weeks = st.builds(
    plan,
    operators=st.integers(1, 6),
    tasks=st.integers(1, 40),
    seed=st.integers(0, 2**64),
    days_before=st.integers(0, 7),
    clock=st.one_of(
        st.just(Clock.of_date(DATE, MOSCOW)),
        st.builds(
            lambda hour, speed: Clock.live(
                DATE, MOSCOW, MIDNIGHT + hour * HOUR, 11.5 * HOUR, speed
            ),
            st.floats(-0.2, 23.99),
            st.floats(0.5, 5_000),
        ),
    ),
)


@given(small_weeks)
@settings(max_examples=40, deadline=None)
def test_every_event_is_valid_and_has_an_id_of_its_own(of_plan: DayPlan) -> None:
    events = [one.event for one in timetable(of_plan)]
    for event in events:
        EVENT_ADAPTER.validate_json(json.dumps(event))
    assert len({event["id"] for event in events}) == len(events)


@given(small_weeks)
@settings(max_examples=40, deadline=None)
def test_a_tasks_events_keep_their_order_whatever_the_clock(of_plan: DayPlan) -> None:
    by_task = defaultdict(list)
    for one in sorted(timetable(of_plan), key=lambda one: one.second):
        by_task[one.event["subject"]].append(one.event)
    for events in by_task.values():
        assert events[0]["type"] == "task-planned.v1"
        times = [datetime.fromisoformat(event["time"]) for event in events]
        assert all(earlier <= later for earlier, later in pairwise(times))


@given(small_weeks)
@settings(max_examples=20, deadline=None)
def test_the_same_plan_gives_the_same_bytes_and_another_seed_shares_no_id(
    of_plan: DayPlan,
) -> None:
    events = timetable(of_plan)
    assert events == timetable(of_plan)
    other = timetable(replace(of_plan, seed=of_plan.seed + 1))
    assert not {one.event["id"] for one in events} & {one.event["id"] for one in other}


def test_days_before_a_shifted_day_keep_their_real_times() -> None:
    shifted = plan(clock=Clock.live(DATE, MOSCOW, MIDNIGHT + 22 * HOUR, 11.5 * HOUR, 60))
    hours = {
        datetime.fromisoformat(one.event["time"]).hour
        for one in timetable(shifted)
        if one.event["type"] == "task-called.v1" and one.second < 0
    }
    assert hours <= set(range(9, 21))


def test_due_time_of_a_contact_put_off_to_a_shifted_day_follows_its_clock() -> None:
    clock = Clock.live(DATE, MOSCOW, MIDNIGHT + 22 * HOUR, 11.5 * HOUR, 60)
    dues = [
        datetime.fromisoformat(one.event["data"]["due_at"]).timestamp()
        for one in timetable(plan(clock=clock))
        if one.second < -6 * HOUR
        and one.event["type"] == "task-postponed.v1"
        and one.event["data"]["contact_date"] == DATE.isoformat()
        and "due_at" in one.event["data"]
    ]
    assert dues
    assert all(clock.moment(10 * HOUR) <= due <= clock.moment(20 * HOUR) for due in dues)
