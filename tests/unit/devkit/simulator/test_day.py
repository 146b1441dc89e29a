"""A simulated call-out day."""

import json
from collections import Counter, defaultdict
from datetime import date, datetime, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.events import EVENT_ADAPTER, MAX_AHEAD_S
from contracts.values import COUNTERS
from devkit.simulator.clock import Clock
from devkit.simulator.day import day_events, timetable
from devkit.simulator.day_plan import DayPlan
from devkit.simulator.event_writer import SimulatedEvent
from devkit.simulator.names import address, client, feminine, operator
from devkit.simulator.survey import report

MOSCOW = ZoneInfo("Europe/Moscow")
DATE = date(2025, 11, 24)
MIDNIGHT = datetime(2025, 11, 24, tzinfo=MOSCOW)
HOUR = 3_600


def plan(
    operators: int = 12, tasks: int = 600, seed: int = 1, clock: Clock | None = None
) -> DayPlan:
    return DayPlan(clock or Clock.of_date(DATE, MOSCOW), operators, tasks, seed)


@cache
def default_day() -> tuple[SimulatedEvent, ...]:
    return tuple(timetable(plan()))


small_days = st.builds(
    plan,
    operators=st.integers(1, 30),
    tasks=st.integers(1, 120),
    seed=st.integers(0, 2**64),
    clock=st.one_of(
        st.just(Clock.of_date(DATE, MOSCOW)),
        st.builds(
            lambda hour, speed: Clock.live(
                DATE, MOSCOW, MIDNIGHT.timestamp() + hour * HOUR, 11.5 * HOUR, speed
            ),
            st.floats(-0.2, 23.99),
            st.floats(0.5, 5_000),
        ),
    ),
)


@given(small_days)
@settings(max_examples=40, deadline=None)
def test_every_event_is_valid(of_plan: DayPlan) -> None:
    for event in day_events(of_plan):
        EVENT_ADAPTER.validate_json(json.dumps(event))


@given(small_days)
@settings(max_examples=40, deadline=None)
def test_each_tasks_first_event_is_its_plan(of_plan: DayPlan) -> None:
    seen = set()
    for event in day_events(of_plan):
        if event["subject"] not in seen:
            assert event["type"] == "task-planned.v1"
            seen.add(event["subject"])
    assert len(seen) == of_plan.tasks


@given(small_days)
@settings(max_examples=40, deadline=None)
def test_events_come_in_order_of_time(of_plan: DayPlan) -> None:
    times = [datetime.fromisoformat(event["time"]) for event in day_events(of_plan)]
    assert all(earlier <= later for earlier, later in pairwise(times))


@given(small_days)
@settings(max_examples=20, deadline=None)
def test_the_same_plan_gives_the_same_bytes(of_plan: DayPlan) -> None:
    def text() -> str:
        return "\n".join(json.dumps(event, ensure_ascii=False) for event in day_events(of_plan))

    assert text() == text()


@given(small_days)
@settings(max_examples=20, deadline=None)
def test_another_seed_shares_no_id(of_plan: DayPlan) -> None:
    other = DayPlan(of_plan.clock, of_plan.operators, of_plan.tasks, of_plan.seed + 1)
    ids = {event["subject"] for event in day_events(of_plan)}
    assert not ids & {event["subject"] for event in day_events(other)}


@pytest.mark.parametrize(("operators", "tasks", "seed"), [(12, 600, 1), (3, 400, 7), (25, 900, 2)])
def test_no_operator_makes_two_calls_at_once(operators: int, tasks: int, seed: int) -> None:
    calls = defaultdict(list)
    for event in day_events(plan(operators, tasks, seed)):
        data = event["data"]
        if event["type"] == "task-called.v1" and data["operator"]:
            calls[data["call_id"]].append(
                (data["operator"]["id"], event["time"], data["duration_s"])
            )
    of_operator = defaultdict(list)
    for by, time, duration in (versions[0] for versions in calls.values()):
        begins = datetime.fromisoformat(time)
        of_operator[by].append((begins, begins + timedelta(seconds=duration)))
    assert len(of_operator) == operators
    for spans in of_operator.values():
        spans.sort()
        assert all(earlier[1] <= later[0] for earlier, later in pairwise(spans))


def test_calls_begin_within_the_working_day() -> None:
    first_of: dict[str, int] = {}
    for simulated in default_day():
        if simulated.event["type"] == "task-called.v1":
            first_of.setdefault(simulated.event["data"]["call_id"], simulated.second)
    assert all(9 * HOUR <= second % (24 * HOUR) < 20 * HOUR for second in first_of.values())
    in_hour = Counter(second // HOUR for second in first_of.values())
    assert in_hour[13] < in_hour[12]
    assert in_hour[13] < in_hour[14]


@pytest.mark.parametrize("seed", range(1, 6))
def test_every_counter_of_the_report_shows_something_in_the_afternoon(seed: int) -> None:
    counts = report(timetable(plan(seed=seed)), plan(seed=seed), 15)
    assert {name for name, count in counts.items() if not count} == set()
    assert len(counts) == len(COUNTERS) + 7


@pytest.mark.parametrize("seed", range(1, 6))
def test_late_morning_already_shows_active_overdue_postponed_and_ordered(seed: int) -> None:
    counts = report(timetable(plan(seed=seed)), plan(seed=seed), 11.5)
    for name in ("ordered", "postponed", "calls", "refusals", "overdue.planned", "overdue.carried"):
        assert counts[name], name
    for standing in ("planned", "postponed", "dropped"):
        assert counts[f"active.{standing}"], standing


def test_orders_are_taken_back_now_and_then() -> None:
    orders = defaultdict(list)
    for simulated in default_day():
        data = simulated.event["data"]
        if simulated.event["type"] == "task-called.v1":
            orders[data["call_id"]].append(data["outcome"])
    assert any(versions[0] == "ordered" != versions[-1] for versions in orders.values())


def test_refusals_come_with_their_call_and_without() -> None:
    failures = [
        simulated.event["data"]
        for simulated in default_day()
        if simulated.event["data"].get("reason") == "refused"
    ]
    assert {"call_id" in failure for failure in failures} == {True, False}


def test_contacts_are_given_up_after_several_unanswered_calls() -> None:
    answered = defaultdict(list)
    given_up = set()
    for simulated in default_day():
        event = simulated.event
        if event["type"] == "task-called.v1":
            answered[event["subject"]].append(event["data"]["outcome"])
        elif event["data"].get("reason") == "no_contact":
            given_up.add(event["subject"])
    assert given_up
    for task in given_up:
        assert sum(outcome in ("no_answer", "busy") for outcome in answered[task]) >= 3


def test_deliveries_come_the_same_day_the_next_day_and_without_a_call() -> None:
    ordered, delivered = set(), {}
    for simulated in default_day():
        data = simulated.event["data"]
        if data.get("order"):
            ordered.add(data["order"]["id"])
        if simulated.event["type"] == "task-delivered.v1":
            delivered[data["order_id"]] = simulated.second // (24 * HOUR)
    assert set(delivered) - ordered
    assert {delivered[order] for order in ordered & set(delivered)} == {0, 1}


def test_call_is_published_when_it_is_over() -> None:
    for simulated in default_day():
        data = simulated.event["data"]
        late = simulated.reported - simulated.second
        assert late in (0, data.get("duration_s", 0))


def test_calls_durations_and_success_come_from_the_campaign() -> None:
    """Ordered calls are longer, as they are in the campaign, and about one contact in nine orders."""
    durations = defaultdict(list)
    for simulated in timetable(plan(operators=60, tasks=3_000)):
        data = simulated.event["data"]
        if simulated.event["type"] == "task-called.v1" and data["duration_s"] > 45:
            durations[data["outcome"] == "ordered"].append(data["duration_s"])
    ordered, others = sorted(durations[True]), sorted(durations[False])
    assert 380 < ordered[len(ordered) // 2] < 540  # the campaign's median: 458
    assert 120 < others[len(others) // 2] < 230
    assert 0.08 < len(ordered) / 3_000 < 0.16


def test_due_times_of_a_shifted_day_are_whole_minutes() -> None:
    clock = Clock.live(DATE, MOSCOW, MIDNIGHT.timestamp() + 22.37 * HOUR, 11.5 * HOUR, 60)
    dues = [
        event["data"]["due_at"]
        for event in day_events(plan(clock=clock))
        if event["data"].get("due_at")
    ]
    assert dues
    assert all(datetime.fromisoformat(due).second == 0 for due in dues)


def test_no_event_is_published_a_day_ahead_on_a_live_clock() -> None:
    now = MIDNIGHT.timestamp() + 23 * HOUR
    clock = Clock.live(DATE, MOSCOW, now, 11.5 * HOUR, 60)
    for simulated in timetable(plan(clock=clock)):
        time = datetime.fromisoformat(simulated.event["time"]).timestamp()
        assert time <= clock.moment(simulated.reported) + 0.001 < now + MAX_AHEAD_S


@pytest.mark.parametrize(
    ("he", "she"),
    [
        ("Иванов", "Иванова"),
        ("Соловьёв", "Соловьёва"),
        ("Никитин", "Никитина"),
        ("Раевский", "Раевская"),
        ("Шевченко", "Шевченко"),
        ("Черных", "Черных"),
    ],
)
def test_surnames_have_their_feminine_form(he: str, she: str) -> None:
    assert feminine(he) == she


def test_a_number_names_the_same_one_every_day_and_operators_differ() -> None:
    assert operator(7) == operator(7)
    assert len({operator(number)["name"] for number in range(1, 1_001)}) == 1_000
    assert address(12) == address(12)
    assert client(3) == client(3)
