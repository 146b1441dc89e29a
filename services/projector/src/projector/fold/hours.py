"""The course of a contact's day: at which local hour what it counts happened.

An hour here is `Calendar.local_hour`, which counts on over the days: a contact's date may still
move after something has happened to it, so only the last step sets hours against the date.
"""

from typing import Final

from contracts.values import HOUR_BUCKETS, HOUR_MEASURES
from projector.fold.draft import DROPPED, OPEN, Draft

Moment = tuple[str | None, int]
"""(operator, slot): one call, refusal, ordered or processed contact; for slots see `join_hours`."""

_CALLS, _REFUSALS, _ORDERED, _PROCESSED = range(len(HOUR_MEASURES))
_AFTER: Final = HOUR_BUCKETS - 1


def moments(
    draft: Draft, refusals: list[tuple[str | None, int]], midnight: int
) -> tuple[Moment, ...]:
    """When what the contact counts happened; `midnight` is the first hour of its date."""
    found = [(call.operator, _slot(call.hour - midnight, _CALLS)) for call in draft.calls.values()]
    for operator, hour in refusals:
        found.append((operator, _slot(hour - midnight, _REFUSALS)))
    ordered = draft.ordered_hour()
    if ordered is not None:
        found.append((draft.operator, _slot(ordered - midnight, _ORDERED)))
        found.append((draft.operator, _slot(ordered - midnight, _PROCESSED)))
    elif draft.resolution not in (OPEN, DROPPED):
        found.append((draft.operator, _slot(draft.resolved_hour - midnight, _PROCESSED)))
    return tuple(found)


def _slot(hour: int, measure: int) -> int:
    """The slot of a measure, given the hours since the midnight that the contact's date began with."""
    if hour < 0:
        return measure
    return (hour + 1 if hour < _AFTER - 1 else _AFTER) * len(HOUR_MEASURES) + measure
