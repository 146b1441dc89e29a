"""What a simulated day assumes: the odds that the campaign's data does not give.

Shares are of 1; the numbers beside choices are weights. docs/simulator.md tells what they come to.
"""

from typing import Final

from devkit.simulator.clock import HOUR

MINUTE: Final = 60
QUARTER: Final = 15 * MINUTE

OPENS: Final = 9 * HOUR
CLOSES: Final = 20 * HOUR
"""Nobody begins a call before or after."""

SHIFTS: Final = (
    ((OPENS, CLOSES), 60),
    ((OPENS, 18 * HOUR + 30 * MINUTE), 20),
    ((10 * HOUR + 30 * MINUTE, CLOSES), 20),
)
"""When an operator begins and ends."""

LUNCH: Final = (12 * HOUR + 30 * MINUTE, 13 * HOUR + 30 * MINUTE)
LUNCH_MINUTES: Final = (30, 60)
"""An operator goes to lunch after the call in which the first begins, for so long."""

BETWEEN_CALLS_S: Final = (8, 40)
"""Between the end of a call and the next one."""

LATEST_FIRST_CALL: Final = 2 * HOUR + 30 * MINUTE
"""First calls are meant for the time up to so long before the end of the operator's shift."""

# How the tasks come to the day

HOW_PLANNED: Final = (
    ("left over", 4),
    ("postponed here", 7),
    ("planned today", 4),
    ("planned", 85),
)
"""Left over from an earlier date, postponed to this one by an earlier call, planned in its morning, or the evening before."""

ORIGINS: Final = (("forecast", 80), ("manual", 17), (None, 3))
DELIVERY_AFTER_DAYS: Final = ((1, 85), (2, 8), (3, 4), (None, 3))
"""The plan date, counted from the contact date."""

NEW_CLIENT: Final = 0.08
WITHOUT_MANAGER: Final = 0.02
WITHOUT_OPERATOR: Final = 0.03
GIVEN_AN_OPERATOR: Final = 0.5
"""Of those without one, in the morning; free operators call the others."""
UNASSIGNED_CALLED_FIRST: Final = 0.04
UNASSIGNED_CALLED_WHEN_IDLE: Final = 0.3
"""A contact that nobody holds is taken before an own one that is ready, or when there is none."""
HAS_DUE: Final = 0.12
CALLED_BEFORE_DUE: Final = 0.75
"""First calls meant for the time before the contact is due; the others may be late."""
REASSIGNED: Final = 0.02
MOVED: Final = 0.012
"""To another date, in the morning before any call."""
ORDERED_ON_THE_WEB: Final = 0.015
"""Delivered without a call, unless something has become of the contact before."""

LEFT_OVER_BECAME: Final = (("unfinished", 55), ("postponed", 22), ("dropped", 23))
LEFT_OVER_CALLED: Final = 0.35
LEFT_OVER_PLANNED_AGAIN: Final = 0.16
LEFT_OVER_DROP_CLOSED: Final = 0.25
"""What becomes of the left-overs on the day: called late, planned for it; dropped ones closed."""

# Calls

OUTCOMES_BEFORE_THE_LAST: Final = (("no_answer", 70), ("busy", 16), ("answered", 14))
"""Of the calls before the one that decides; the campaign's data does not tell."""

RINGING_S: Final = {"no_answer": (15, 45), "busy": (3, 8), "answered": (8, 35)}
"""Their lengths; answered is a client who can't talk now."""

CALL_AGAIN_MINUTES: Final = (15, 60)

UNANSWERED_AT_MOST: Final = (4, 7)
"""After so many unanswered calls in a day the contact is given up."""

SHORT_TALK_S: Final = 90

TALK_RESULTS: Final[dict[bool, tuple[tuple[str, float], ...]]] = {
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
"""What a talk of up to `SHORT_TALK_S` seconds (True), or a longer one, without an order comes to."""

WRONG_OUTCOME: Final = 0.02
"""Unanswered calls that are corrected to answered a few minutes later."""

# Orders

TAKEN_BACK: Final = 0.035
TAKEN_BACK_AS: Final = (("answered", 60), ("refused", 40))
CALLED_AFTER_TAKING_BACK: Final = 0.6
SAME_DAY_DELIVERY: Final = 0.15
"""Of the orders taken before 15:00."""
DELIVERED: Final = 0.95
SECOND_ORDER: Final = 0.05

# What else a contact comes to

REFUSAL_REPORTED_LATER: Final = 0.4
"""Of the refused calls without a failure: one without a call_id follows, by someone who does not know of the call."""
REFUSAL_BY_INCOMING_CALL: Final = 0.3
"""Of the refusals without a call of ours: they bear the id of the client's own call."""
TRIED_AGAIN_AFTER_REFUSAL: Final = 0.06
"""By the manager, in a month."""
RETURNED_AFTER_NO_CONTACT: Final = 0.12
POSTPONED_BY_DAYS: Final = (
    *((1, 18), (2, 20), (3, 16), (4, 10)),
    *((5, 8), (6, 6), (7, 14), (14, 8)),
)
POSTPONED_WITH_DUE: Final = 0.15
"""To another day; within the day it is the next one."""
POSTPONED_WITHIN_WITH_DUE: Final = 0.7
POSTPONED_WITH_PLAN_DATE: Final = 0.8
POSTPONED_TO_ANOTHER_OPERATOR: Final = 0.08
"""Postponements that name another operator."""
DROPPED_ADDRESS_BECOMES: Final = (
    ("closed", 40),
    ("back to work", 25),
    ("ordered after all", 8),
    ("open", 27),
)
"""What becomes of a dropped address on the same day."""
WITHOUT_COMMENT: Final = 0.08
