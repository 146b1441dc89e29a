"""The course of a day as golden and the API write it, from slots as Redis holds them."""

from collections.abc import Iterable, Mapping
from typing import Any

from contracts.values import HOUR_MEASURES

Course = list[dict[str, Any]]


def course_of_slots(many: Iterable[Mapping[int, int]]) -> Course:
    """All 26 buckets of the sum, in order."""
    course: Course = [
        {"hour": hour, **dict.fromkeys(HOUR_MEASURES, 0)}
        for hour in ("before", *range(24), "after")
    ]
    for slots in many:
        for slot, number in slots.items():
            bucket, measure = divmod(slot, len(HOUR_MEASURES))
            course[bucket][HOUR_MEASURES[measure]] += number
    return course


def without_empty(course: Course) -> Course:
    """The buckets that count anything."""
    return [bucket for bucket in course if any(bucket[name] for name in HOUR_MEASURES)]
