"""How seconds of the simulated day become moments."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from devkit.simulator.clock import DAY, EVENING, HOUR, MORNING_AFTER, NIGHT_S, Clock

MOSCOW = ZoneInfo("Europe/Moscow")
DATE = date(2025, 11, 24)
MIDNIGHT = datetime(2025, 11, 24, tzinfo=MOSCOW).timestamp()

hours = st.floats(-0.5, 24)
seconds = st.integers(-8 * DAY, 2 * DAY)


def test_clock_of_a_date_keeps_real_times_of_the_day() -> None:
    clock = Clock.of_date(DATE, MOSCOW)
    assert clock.text(9 * HOUR + 1) == "2025-11-24T09:00:01+03:00"
    assert clock.text(-6 * HOUR) == "2025-11-23T18:00:00+03:00"


def test_live_clock_at_real_speed_and_hour_is_the_real_clock() -> None:
    live = Clock.live(DATE, MOSCOW, MIDNIGHT + 14 * HOUR)
    life = Clock.of_date(DATE, MOSCOW)
    for second in range(-6 * DAY, 2 * DAY, 1_234):
        assert live.text(second) == life.text(second)


@given(hours, seconds, seconds, st.floats(0.1, 10_000))
def test_order_of_moments_never_changes(hour: float, one: int, other: int, speed: float) -> None:
    clock = Clock.live(DATE, MOSCOW, MIDNIGHT + hour * HOUR, 11.5 * HOUR, speed)
    if one < other:
        assert clock.moment(one) < clock.moment(other)


@given(hours, st.floats(0.1, 10_000))
def test_given_second_is_now_and_the_future_plays_at_the_given_speed(
    hour: float, speed: float
) -> None:
    now = MIDNIGHT + hour * HOUR
    clock = Clock.live(DATE, MOSCOW, now, 11.5 * HOUR, speed)
    assert clock.moment(11.5 * HOUR) == now
    assert clock.moment(10.5 * HOUR) == pytest.approx(now - HOUR)
    assert clock.moment(12.5 * HOUR) == pytest.approx(now + HOUR / speed)


def test_night_is_skipped_at_more_than_real_speed() -> None:
    clock = Clock.live(DATE, MOSCOW, MIDNIGHT + 12 * HOUR, speed=60)
    assert clock.moment(MORNING_AFTER) - clock.moment(EVENING) == pytest.approx(NIGHT_S / 60)


def test_distant_past_keeps_its_times() -> None:
    clock = Clock.live(DATE, MOSCOW, MIDNIGHT + 23 * HOUR, 11.5 * HOUR, 60)
    assert clock.text(-4 * DAY) == Clock.of_date(DATE, MOSCOW).text(-4 * DAY)


def test_next_minute_is_whole_and_not_in_the_past() -> None:
    clock = Clock.of_date(DATE, MOSCOW)
    assert clock.next_minute(3_600).isoformat() == "2025-11-24T01:00:00+03:00"
    assert clock.next_minute(3_601).isoformat() == "2025-11-24T01:01:00+03:00"
