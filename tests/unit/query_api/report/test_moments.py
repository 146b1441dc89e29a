"""Minutes since 1970, and moments as the JSON shows them."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from query_api.report.moments import minute_of, moment_of_minute, rfc3339

MOSCOW = ZoneInfo("Europe/Moscow")


@pytest.mark.parametrize(
    ("text", "minute"),
    [
        ("1970-01-01T00:00:59.999+00:00", 0),
        ("1970-01-01T03:01:00+03:00", 1),
        ("1969-12-31T23:59:59+00:00", -1),
    ],
)
def test_a_moment_belongs_to_the_minute_that_it_is_in(text: str, minute: int) -> None:
    assert minute_of(datetime.fromisoformat(text)) == minute


@pytest.mark.parametrize(
    ("minute", "shown"),
    [
        (29_921_580, "2026-11-22T00:00:00+03:00"),
        (minute_of(datetime(9999, 12, 31, 23, 59, tzinfo=UTC)), "9999-12-31T23:59:00+00:00"),
        (1 << 40, "9999-12-31T23:59:00+00:00"),
        (-(1 << 40), "0001-01-01T00:00:00+00:00"),
    ],
)
def test_a_minute_beyond_the_calendar_is_shown_as_the_nearest_one(minute: int, shown: str) -> None:
    assert moment_of_minute(minute, MOSCOW).isoformat() == shown


def test_milliseconds_are_shown_in_the_zone() -> None:
    assert rfc3339(1_700_000_000_123, MOSCOW) == "2023-11-15T01:13:20.123+03:00"
    assert rfc3339(None, MOSCOW) is None
