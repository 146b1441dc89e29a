"""When a contact date ends, and on which date a moment falls."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

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
