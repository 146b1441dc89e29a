"""Dates that are so many days before another one."""

import pytest

from projector.consumer.generation import days_before


@pytest.mark.parametrize(
    ("day", "days", "before"),
    [
        ("2026-11-25", 0, "2026-11-25"),
        ("2026-03-01", 1, "2026-02-28"),
        ("2026-11-25", 92, "2026-08-25"),
        ("0001-01-02", 36_500, "0001-01-01"),
    ],
)
def test_no_date_is_before_the_first_one(day: str, days: int, before: str) -> None:
    assert days_before(day, days) == before
