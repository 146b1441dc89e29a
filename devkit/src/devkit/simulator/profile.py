"""What a simulated day assumes: how contacts are planned, called, and what becomes of them.

A single number is a probability; the numbers after choices are weights; a pair of numbers is a
range, both ends included. docs/simulator.md describes the results.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from devkit.simulator.clock import HOUR
from devkit.simulator.conversation import Conversation
from devkit.simulator.rng import Rng

T = TypeVar("T")

Weighted = tuple[tuple[T, float], ...]
Range = tuple[int, int]

MINUTE: Final = 60
QUARTER: Final = 15 * MINUTE

OPENS: Final = 9 * HOUR
CLOSES: Final = 20 * HOUR
"""No call begins before the one or after the other."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Profile:
    """The assumptions about one kind of business.

    The defaults are those of the bank campaign (devkit.simulator.campaign_profile), whose data does
    not give them.
    """

    name: str
    draw: Callable[[Rng, float], Conversation]
    """How a contact goes whose operator has this skill, from -1 to 1."""

    # Work

    shifts: Weighted[tuple[int, int]] = (
        ((OPENS, CLOSES), 60),
        ((OPENS, 18 * HOUR + 30 * MINUTE), 20),
        ((10 * HOUR + 30 * MINUTE, CLOSES), 20),
    )
    """When an operator begins and ends work."""

    lunch: Range = (12 * HOUR + 30 * MINUTE, 13 * HOUR + 30 * MINUTE)
    lunch_minutes: Range = (30, 60)
    """When lunch begins, after the call of that moment, and how long it takes."""

    between_calls_s: Range = (8, 40)
    """Seconds between the end of a call and the next one."""
    pace_by_skill: float = 0.0
    """The best operator pauses so much shorter, the worst so much longer, as a share."""

    rhythm: Weighted[int] = ()
    """The hours for which first calls are meant; none: any time of the shift alike."""

    latest_first_call: int = 2 * HOUR + 30 * MINUTE
    """First calls are meant to begin at least so long before the end of the operator's shift."""

    # Planning

    how_planned: Weighted[str] = (
        ("left over", 4),
        ("postponed here", 7),
        ("planned today", 4),
        ("planned", 85),
    )
    """Left over from an earlier date; postponed to this one by an earlier call; planned in the morning; planned on
    the evening before."""

    origins: Weighted[str | None] = (("forecast", 80), ("manual", 17), (None, 3))
    delivery_after_days: Weighted[int | None] = ((1, 85), (2, 8), (3, 4), (None, 3))
    """Days from the contact date to the plan date."""
    delivers_on_plan_date: bool = False
    """An order is delivered on the contact's plan date; otherwise on the day after the call."""

    new_client: float = 0.08
    without_manager: float = 0.02
    without_operator: float = 0.03
    given_an_operator: float = 0.5
    """Of the contacts without an operator, in the morning; free operators call the others."""
    unassigned_called_first: float = 0.04
    unassigned_called_when_idle: float = 0.3
    """An operator calls a contact without one although an own contact is ready, or if none is."""
    has_due: float = 0.12
    called_before_due: float = 0.75
    """First calls that are meant for the time before the contact is due; the others may be late."""
    reassigned: float = 0.02
    moved: float = 0.012
    """To another date, in the morning before any call."""
    ordered_on_the_web: float = 0.015
    """Delivered without a call, unless the contact has been decided before."""

    left_over_became: Weighted[str] = (("unfinished", 55), ("postponed", 22), ("dropped", 23))
    left_over_called: float = 0.35
    left_over_planned_again: float = 0.16
    left_over_drop_closed: float = 0.25
    """What becomes of left-over contacts on the day: called late, planned again; dropped ones closed."""

    # Calls

    outcomes_before_the_last: Weighted[str] = (("no_answer", 70), ("busy", 16), ("answered", 14))
    """Outcomes of the calls before the one that decides, which the campaign's data does not give."""

    ringing_s: Mapping[str, Range] = field(
        default_factory=lambda: {"no_answer": (15, 45), "busy": (3, 8), "answered": (8, 35)}
    )
    """Seconds that such a call lasts; an answered one is a client who cannot talk now."""

    call_again_minutes: Range = (15, 60)

    unanswered_at_most: Range = (4, 7)
    """Unanswered calls in a day after which the operator gives the contact up."""

    short_talk_s: int = 90

    talk_results: Mapping[bool, Weighted[str]] = field(
        default_factory=lambda: {
            True: (
                ("refused", 30),
                ("refused, no failure reported", 7),
                ("refused without a call", 6),
                ("postponed to another day", 26),
                ("postponed within the day", 15),
                ("address dropped", 6),
                ("address closed", 2),
                ("undecided", 8),
            ),
            False: (
                ("refused", 9),
                ("refused, no failure reported", 3),
                ("refused without a call", 3),
                ("postponed to another day", 48),
                ("postponed within the day", 19),
                ("address dropped", 5),
                ("address closed", 1),
                ("undecided", 12),
            ),
        }
    )
    """Results of a talk without an order: of up to `short_talk_s` seconds (True), or longer."""

    wrong_outcome: float = 0.02
    """Unanswered calls that are corrected to answered some minutes later."""

    # Orders

    taken_back: float = 0.035
    taken_back_as: Weighted[str] = (("answered", 60), ("refused", 40))
    called_after_taking_back: float = 0.6
    same_day_delivery: float = 0.15
    """Of the orders taken before 15:00."""
    delivered: float = 0.95
    second_order: float = 0.05

    # Other results

    refusal_reported_later: float = 0.4
    """Of the refused calls without a failure: one without a call_id follows, as if its author did not know of the call."""
    refusal_by_incoming_call: float = 0.3
    """Of the refusals without a call of ours: they have the id of the client's own call."""
    tried_again_after_refusal: float = 0.06
    """The manager plans the task again, a month later."""
    returned_after_no_contact: float = 0.12
    postponed_by_days: Weighted[int] = (
        *((1, 18), (2, 20), (3, 16), (4, 10)),
        *((5, 8), (6, 6), (7, 14), (14, 8)),
    )
    postponed_with_due: float = 0.15
    """Of the postponements to another day; the next one is of those within the day."""
    postponed_within_with_due: float = 0.7
    postponed_with_plan_date: float = 0.8
    postponed_to_another_operator: float = 0.08
    """Postponements that name another operator."""
    dropped_address_becomes: Weighted[str] = (
        ("closed", 40),
        ("back to work", 25),
        ("ordered after all", 8),
        ("open", 27),
    )
    """What becomes of a dropped address on the same day."""
    without_comment: float = 0.08

    # The days before

    days_before: int = 0
    """Dates before the simulated one that are simulated too, unless one says otherwise."""
    weekday_volume: tuple[float, ...] = (1.0,) * 7
    """Contacts of a date, Monday first, as a share of those of a working day."""
    volume_varies_by: float = 0.0
    """The contacts of the days before differ by up to this share from what their weekday says."""
    unfinished_becomes: Weighted[str] = (("planned again", 60), ("called late", 22), ("left", 18))
    """What the next morning brings to a contact that was not finished."""
    unfinished_drop_closed: float = 0.55
    """Of the addresses that were still under check the day before."""
