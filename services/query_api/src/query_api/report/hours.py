"""The course of a day: what happened in each local hour, over the contacts of one date."""

from typing import Any, Final

from contracts.values import HOUR_BUCKETS, HOUR_MEASURES
from query_api.report.hour_counts import EMPTY_COURSE, Course, add_courses
from query_api.report.scope import Scope
from query_api.report.snapshot import Snapshot

HOURS_SINCE_FOLD: Final = 2
"""The first version of the fold that counts by the hour."""

BUCKETS: Final[tuple[str | int, ...]] = ("before", *range(HOUR_BUCKETS - 2), "after")
"""What the buckets are called: before the contact date, its local hours, after it."""


class NoHours(Exception):
    """The live generation has no hours; says what to do. Zeros in their place would be a lie."""


def require_hours(snapshot: Snapshot) -> None:
    """Raises `NoHours` if the snapshot's generation was computed before there were any."""
    fold = snapshot.fingerprint.fold
    if fold < HOURS_SINCE_FOLD:
        raise NoHours(
            f"generation {snapshot.generation} was computed by fold {fold}, and hours begin with "
            f"fold {HOURS_SINCE_FOLD}: upgrade the projector; if that is under way, they come as "
            "soon as its generation is live"
        )


def course_of_day(snapshot: Snapshot, day: str, scope: Scope, operator_id: str | None) -> Course:
    """Returns the sum over the lines of the day's report; `operator_id` selects one line of it.

    The snapshot must hold the cells of the day (see `Snapshot.lacks`). Raises `NoHours`.
    """
    require_hours(snapshot)
    total = EMPTY_COURSE
    for shard in snapshot.shards:
        counts = shard.cell_counts.get(day) if shard is not None else None
        if counts is not None:
            total = add_courses(total, counts.hours.course(scope, operator_id))
    return total


def hours_of(course: Course) -> list[dict[str, Any]]:
    """Returns the 26 buckets of a course as the JSON shows them."""
    width = len(HOUR_MEASURES)
    return [
        {
            "hour": bucket,
            **dict(zip(HOUR_MEASURES, course[at * width : (at + 1) * width], strict=True)),
        }
        for at, bucket in enumerate(BUCKETS)
    ]
