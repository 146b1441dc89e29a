"""Which date a simulation plays, and when each of its events is published."""

import math
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from contracts.events import MAX_AHEAD_S
from devkit.errors import StackError
from devkit.simulator.clock import EVENING, HOUR
from devkit.simulator.day import timetable
from devkit.simulator.staging import (
    LATE_MORNING,
    SimulateOptions,
    choose_stage,
    record_timestamp_ms,
)

MOSCOW = ZoneInfo("Europe/Moscow")
SMALL = SimulateOptions(operators=3, tasks=60)


def at(hour: int, minute: int = 0, day: int = 24) -> float:
    return datetime(2025, 11, day, hour, minute, tzinfo=MOSCOW).timestamp()


@pytest.mark.parametrize("hour", [0, 3, 8, 11, 15, 20, 23])
def test_a_shifted_day_is_in_its_late_morning_on_todays_date(hour: int) -> None:
    stage = choose_stage(replace(SMALL, shift_to_now=True), at(hour, 10))
    assert stage.plan.date == date(2025, 11, 24)
    assert stage.plan.clock.moment(LATE_MORNING) == at(hour, 10)
    assert stage.played_at(EVENING) - at(hour, 10) == pytest.approx((EVENING - LATE_MORNING) / 60)


def test_shifted_day_is_tomorrow_minutes_before_midnight() -> None:
    stage = choose_stage(replace(SMALL, shift_to_now=True), at(23, 58))
    assert stage.plan.date == date(2025, 11, 25)
    assert stage.plan.clock.moment(LATE_MORNING) == at(23, 58)


def test_a_day_that_ends_early_is_shifted_to_tomorrow_once_it_is_over() -> None:
    options = replace(SMALL, shift_to_now=True, day_end="18:00")
    assert choose_stage(options, at(17)).plan.date == date(2025, 11, 24)
    assert choose_stage(options, at(19)).plan.date == date(2025, 11, 25)


def test_today_plays_its_past_at_once_and_the_rest_at_its_speed() -> None:
    stage = choose_stage(replace(SMALL, speed=60), at(14))
    assert stage.plan.date == date(2025, 11, 24)
    assert stage.played_at(10 * HOUR) == at(10)
    assert stage.played_at(15 * HOUR) == at(14, 1)


def test_no_live_event_has_a_time_in_the_future() -> None:
    for options in (replace(SMALL, speed=60), replace(SMALL, speed=600, shift_to_now=True)):
        stage = choose_stage(options, at(14))
        for simulated in timetable(stage.plan):
            time = datetime.fromisoformat(simulated.event["time"]).timestamp()
            assert time <= stage.played_at(simulated.reported) + 0.001


@pytest.mark.parametrize("day", [date(2024, 2, 29), date(2025, 10, 1), date(2026, 3, 8)])
def test_another_date_keeps_its_times_and_plays_from_its_morning(day: date) -> None:
    stage = choose_stage(replace(SMALL, day=day, speed=60), at(14))
    assert stage.plan.clock.text(9 * HOUR) == f"{day}T09:00:00+03:00"
    assert stage.played_at(-6 * HOUR) < at(14)
    assert stage.played_at(9 * HOUR) == at(14) + 5
    assert stage.played_at(10 * HOUR) == at(14) + 65


def test_speed_zero_plays_everything_at_once_with_real_times() -> None:
    stage = choose_stage(replace(SMALL, speed=0), at(14))
    assert stage.played_at(24 * HOUR) == -math.inf
    assert stage.plan.clock.text(15 * HOUR) == "2025-11-24T15:00:00+03:00"


def test_today_at_real_speed_has_the_same_ids_at_any_hour() -> None:
    tags = {
        choose_stage(replace(SMALL, speed=speed), at(hour)).plan.tag
        for speed in (0, 1)
        for hour in (9, 17)
    }
    assert len(tags) == 1


def test_todays_date_is_that_of_the_business_time_zone() -> None:
    assert choose_stage(SMALL, at(1)).plan.date == date(2025, 11, 24)
    assert choose_stage(replace(SMALL, timezone="America/New_York"), at(1)).plan.date == date(
        2025, 11, 23
    )


def test_a_delivery_has_a_week_before_it_unless_asked_otherwise() -> None:
    assert choose_stage(SMALL, at(14)).plan.days_before == 7
    assert choose_stage(replace(SMALL, days_before=0), at(14)).plan.days_before == 0
    assert choose_stage(replace(SMALL, profile="campaign"), at(14)).plan.days_before == 0


@pytest.mark.parametrize("shift_to_now", [False, True])
def test_days_before_are_played_at_once(shift_to_now: bool) -> None:
    stage = choose_stage(replace(SMALL, shift_to_now=shift_to_now), at(14))
    before = [one for one in timetable(stage.plan) if one.second < -8 * HOUR]
    assert len(before) > 500
    assert all(stage.played_at(one.reported) < at(14) for one in before)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"speed": -1}, "--speed"),
        ({"shift_to_now": True, "day": date(2025, 1, 1)}, "--date"),
        ({"timezone": "Europe/Atlantis"}, "Europe/Atlantis"),
        ({"profile": "campaign", "days_before": 1}, "--days-before"),
    ],
)
def test_impossible_option_is_named(wrong: dict[str, Any], named: str) -> None:
    with pytest.raises(StackError, match=named):
        choose_stage(replace(SMALL, **wrong), at(12))


@pytest.mark.parametrize("days", [-30, -1.01, 1.01, 30])
def test_records_of_other_days_have_the_time_of_their_event(days: float) -> None:
    now = at(12)
    time = now + timedelta(days=days).total_seconds()
    assert record_timestamp_ms(time, now) == int(time * 1000)


def test_records_of_the_present_have_the_time_of_sending() -> None:
    assert record_timestamp_ms(at(12), at(13)) is None
    assert record_timestamp_ms(at(12) + MAX_AHEAD_S - 1, at(12)) is None
