"""When a contact date ends, and on which date a moment falls."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projector.fold.calendar import LAST_MINUTE, Calendar, seconds_of

MOSCOW = Calendar(ZoneInfo("Europe/Moscow"))


def minute(text: str) -> int:
    return int(datetime.fromisoformat(text).timestamp()) // 60


@pytest.mark.parametrize("calendar", [MOSCOW, Calendar(ZoneInfo("UTC"), 20 * 60)])
def test_dates_at_the_ends_of_the_calendar_have_deadlines(calendar: Calendar) -> None:
    assert calendar.deadline("0001-01-01") < calendar.deadline("2026-11-24")
    assert calendar.deadline("2026-11-24") < calendar.deadline("9999-12-31")
    assert calendar.date_of("0001-01-01T00:00:00+14:00") == "0001-01-01"
    assert calendar.date_of("9999-12-31T23:59:59-14:00") == "9999-12-31"
    assert calendar.date_of_seconds(seconds_of("0001-01-01T00:00:00+14:00")[0]) == "0001-01-01"
    assert calendar.date_of_seconds(seconds_of("9999-12-31T23:59:59-14:00")[0]) == "9999-12-31"


@pytest.mark.parametrize(
    ("day_end", "ends"),
    [
        ("24:00", "2026-11-25T00:00:00+03:00"),
        ("20:30", "2026-11-24T20:30:00+03:00"),
        ("00:01", "2026-11-24T00:01:00+03:00"),
    ],
)
def test_contact_date_is_over_at_the_end_of_the_day(day_end: str, ends: str) -> None:
    assert Calendar.of("Europe/Moscow", day_end).deadline("2026-11-24") == minute(ends)


def test_contact_date_is_over_at_midnight_of_its_own_zone_and_season() -> None:
    calendar = Calendar.of("Europe/Berlin", "24:00")
    assert calendar.deadline("2026-10-24") == minute("2026-10-25T00:00:00+02:00")
    assert calendar.deadline("2026-10-25") == minute("2026-10-26T00:00:00+01:00")


def test_last_date_of_all_has_the_last_minute_as_deadline() -> None:
    assert MOSCOW.deadline("9999-12-31") == LAST_MINUTE == minute("9999-12-31T23:59:00+00:00")


def test_deadlines_stay_right_when_there_are_more_dates_than_are_kept() -> None:
    calendar = Calendar(ZoneInfo("UTC"))
    first = calendar.deadline("1990-01-01")
    for year in range(1990, 2020):
        for month in range(1, 13):
            for day in range(1, 29):
                calendar.deadline(f"{year}-{month:02}-{day:02}")
    assert len(calendar._deadlines) <= 10_001
    assert calendar.deadline("1990-01-01") == first == minute("1990-01-02T00:00:00+00:00")


@pytest.mark.parametrize(
    ("text", "date"),
    [
        ("2026-11-24T20:59:59Z", "2026-11-24"),
        ("2026-11-24T21:00:00z", "2026-11-25"),
        ("2026-11-24t23:59:59.999+03:00", "2026-11-24"),
        ("2026-11-24T00:00:00+05:00", "2026-11-23"),
    ],
)
def test_moment_falls_on_the_date_of_the_business_time_zone(text: str, date: str) -> None:
    assert MOSCOW.date_of(text) == date
    assert MOSCOW.date_of_seconds(seconds_of(text.upper())[0]) == date


@pytest.mark.parametrize(
    ("text", "seconds", "fraction"),
    [
        ("1970-01-01T00:00:00Z", 0, ""),
        ("1970-01-01T03:00:01+03:00", 1, ""),
        ("1970-01-01T00:00:01z", 1, ""),
        ("1970-01-01T00:00:01.5Z", 1, "5"),
        ("1970-01-01T00:00:01.500z", 1, "5"),
        ("1970-01-01T00:00:01.000+00:00", 1, ""),
        ("1970-01-01T00:00:01.123456789012-01:00", 3601, "123456789012"),
        ("1969-12-31T23:59:59.25Z", -1, "25"),
    ],
)
def test_time_is_read_to_any_number_of_digits(text: str, seconds: int, fraction: str) -> None:
    assert seconds_of(text) == (seconds, fraction)


ODD_ZONES = (
    *("Europe/Moscow", "UTC", "Asia/Kathmandu", "Australia/Lord_Howe", "America/St_Johns"),
    *("Africa/Monrovia", "Europe/Amsterdam", "Pacific/Apia", "Asia/Vladivostok", "America/Caracas"),
)
"""With offsets of 30 and 45 minutes, with seconds, with half an hour of summer time, with a date
that was left out, and with changes that fall within a quarter of an hour."""


def clock(seconds: int, zone: str) -> int:
    """What a clock shows there, as hours since local midnight of 1970-01-01."""
    local = datetime.fromtimestamp(seconds, ZoneInfo(zone))
    return (local.date() - date(1970, 1, 1)).days * 24 + local.hour


@given(
    zone=st.sampled_from(ODD_ZONES),
    day=st.integers(-70_000, 30_000),
    steps=st.lists(st.integers(0, 86_399), min_size=1, max_size=20),
)
def test_local_hour_is_what_the_clock_shows(zone: str, day: int, steps: list[int]) -> None:
    calendar = Calendar.of(zone, "24:00")
    for step in steps:
        seconds = day * 86_400 + step
        assert calendar.local_hour(seconds) == clock(seconds, zone)


@pytest.mark.parametrize(
    ("zone", "about"),
    [
        ("Europe/Berlin", "2026-10-25T01:00:00+00:00"),  # two o'clock comes twice
        ("Europe/Berlin", "2026-03-29T01:00:00+00:00"),
        ("Australia/Lord_Howe", "2026-04-04T15:00:00+00:00"),
        ("Africa/Monrovia", "1972-01-07T00:44:30+00:00"),
        ("Europe/Amsterdam", "1937-06-30T22:40:28+00:00"),
        ("America/St_Johns", "2006-10-29T02:31:00+00:00"),
        ("Pacific/Apia", "2011-12-30T10:00:00+00:00"),
    ],
)
def test_local_hour_is_right_to_the_second_where_the_offset_changes(zone: str, about: str) -> None:
    calendar = Calendar.of(zone, "24:00")
    change = int(datetime.fromisoformat(about).timestamp())
    for seconds in (*range(change - 1_900, change + 1_900, 7), change - 1, change):
        assert calendar.local_hour(seconds) == clock(seconds, zone)


@pytest.mark.parametrize(
    ("zone", "before", "after"),
    [("Europe/Moscow", 12, 40), ("America/New_York", 19, 32), ("Pacific/Kiritimati", 25, 51)],
)
def test_local_hours_count_on_beyond_the_ends_of_the_calendar(
    zone: str, before: int, after: int
) -> None:
    calendar = Calendar.of(zone, "24:00")
    first, last = (
        seconds_of("0001-01-01T00:00:00+14:00")[0],
        seconds_of("9999-12-31T23:59:59-14:00")[0],
    )
    assert calendar.local_hour(first) == calendar.midnight("0001-01-01") - before
    assert calendar.local_hour(last) == calendar.midnight("9999-12-31") + after


def test_hours_stay_right_when_there_are_more_than_are_kept(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("projector.fold.calendar.KEPT", 3)
    calendar = Calendar.of("Europe/Moscow", "24:00")
    for day in range(10):
        assert calendar.midnight(f"2026-11-{day + 1:02}") == (20_758 + day) * 24
        assert calendar.local_hour(day * 86_400) == day * 24 + 3
    assert len(calendar._hours) <= 3
    assert len(calendar._midnights) <= 3
