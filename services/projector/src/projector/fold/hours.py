"""The course of a contact's day: at which local hour what it counts happened.

An hour here is `Calendar.local_hour`, which counts on over the days: a contact's date may still
move after something has happened to it, so only the last step sets hours against the date.
"""

from typing import Final

from contracts.values import HOUR_BUCKETS, HOUR_MEASURES
from projector.fold.draft import DROPPED, OPEN, Draft

Moments = tuple[tuple[str | None, tuple[int, ...]], ...]
"""(operator, the slot of each call, refusal, ordered and processed contact that counts for them);
slots are those of `contracts.values.join_hours`."""

_MEASURES: Final = len(HOUR_MEASURES)
_REFUSALS, _ORDERED, _PROCESSED = range(1, _MEASURES)
_HOURS: Final = 24
_AFTER: Final = (HOUR_BUCKETS - 1) * _MEASURES


def moments(draft: Draft, refusals: list[tuple[str | None, int]], midnight: int) -> Moments:
    """When what the contact counts happened; `midnight` is the first hour of its date."""
    holder = draft.operator
    held: list[int] = []
    others: dict[str | None, list[int]] = {}
    ordered: int | None = None
    for call in draft.calls.values():
        hour = call.hour - midnight
        # `_slot`, without the call: most of what happens are calls
        slot = (hour + 1) * _MEASURES if 0 <= hour < _HOURS else 0 if hour < 0 else _AFTER
        if ordered is None and call.order:
            ordered = slot
        if call.operator == holder:
            held.append(slot)
        else:
            others.setdefault(call.operator, []).append(slot)
    for operator, hour in refusals:
        slot = _slot(hour - midnight) + _REFUSALS
        if operator == holder:
            held.append(slot)
        else:
            others.setdefault(operator, []).append(slot)
    if ordered is None and draft.delivered:
        ordered = _slot(next(iter(draft.delivered.values())) - midnight)
    if ordered is not None:
        held += (ordered + _ORDERED, ordered + _PROCESSED)
    elif draft.resolution not in (OPEN, DROPPED):
        held.append(_slot(draft.resolved_hour - midnight) + _PROCESSED)
    found: Moments = ((holder, tuple(held)),) if held else ()
    if others:
        found += tuple((operator, tuple(slots)) for operator, slots in others.items())
    return found


def _slot(hour: int) -> int:
    """The slot of calls of an hour that is counted from the midnight the date begins with."""
    return (hour + 1) * _MEASURES if 0 <= hour < _HOURS else 0 if hour < 0 else _AFTER
