"""What a simulated day assumes: the probabilities that the campaign's data does not give.

A single number is a probability; the numbers after choices are weights; a pair of numbers is a
range, both ends included. docs/simulator.md describes the results.
"""

from typing import Final

from devkit.simulator.clock import HOUR

MINUTE: Final = 60
QUARTER: Final = 15 * MINUTE

OPENS: Final = 9 * HOUR
CLOSES: Final = 20 * HOUR
"""No call begins before the one or after the other."""

SHIFTS: Final = (
    ((OPENS, CLOSES), 60),
    ((OPENS, 18 * HOUR + 30 * MINUTE), 20),
    ((10 * HOUR + 30 * MINUTE, CLOSES), 20),
)
"""When an operator begins and ends work."""

LUNCH: Final = (12 * HOUR + 30 * MINUTE, 13 * HOUR + 30 * MINUTE)
LUNCH_MINUTES: Final = (30, 60)
"""When lunch begins, after the call of that moment, and how long it takes."""

BETWEEN_CALLS_S: Final = (8, 40)
"""Seconds between the end of a call and the next one."""

LATEST_FIRST_CALL: Final = 2 * HOUR + 30 * MINUTE
"""First calls are meant to begin at least so long before the end of the operator's shift."""

# Planning

HOW_PLANNED: Final = (
    ("left over", 4),
    ("postponed here", 7),
    ("planned today", 4),
    ("planned", 85),
)
"""Left over from an earlier date; postponed to this one by an earlier call; planned in the morning; planned on
the evening before."""

ORIGINS: Final = (("forecast", 80), ("manual", 17), (None, 3))
DELIVERY_AFTER_DAYS: Final = ((1, 85), (2, 8), (3, 4), (None, 3))
"""Days from the contact date to the plan date."""

NEW_CLIENT: Final = 0.08
WITHOUT_MANAGER: Final = 0.02
WITHOUT_OPERATOR: Final = 0.03
GIVEN_AN_OPERATOR: Final = 0.5
"""Of the contacts without an operator, in the morning; free operators call the others."""
UNASSIGNED_CALLED_FIRST: Final = 0.04
UNASSIGNED_CALLED_WHEN_IDLE: Final = 0.3
"""An operator calls a contact without one although an own contact is ready, or if none is."""
HAS_DUE: Final = 0.12
CALLED_BEFORE_DUE: Final = 0.75
"""First calls that are meant for the time before the contact is due; the others may be late."""
REASSIGNED: Final = 0.02
MOVED: Final = 0.012
"""To another date, in the morning before any call."""
ORDERED_ON_THE_WEB: Final = 0.015
"""Delivered without a call, unless the contact has been decided before."""

LEFT_OVER_BECAME: Final = (("unfinished", 55), ("postponed", 22), ("dropped", 23))
LEFT_OVER_CALLED: Final = 0.35
LEFT_OVER_PLANNED_AGAIN: Final = 0.16
LEFT_OVER_DROP_CLOSED: Final = 0.25
"""What becomes of left-over contacts on the day: called late, planned again; dropped ones closed."""

# Calls

OUTCOMES_BEFORE_THE_LAST: Final = (("no_answer", 70), ("busy", 16), ("answered", 14))
"""Outcomes of the calls before the one that decides, which the campaign's data does not give."""

RINGING_S: Final = {"no_answer": (15, 45), "busy": (3, 8), "answered": (8, 35)}
"""Seconds that such a call lasts; an answered one is a client who cannot talk now."""

CALL_AGAIN_MINUTES: Final = (15, 60)

UNANSWERED_AT_MOST: Final = (4, 7)
"""Unanswered calls in a day after which the operator gives the contact up."""

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
"""Results of a talk without an order: of up to `SHORT_TALK_S` seconds (True), or longer."""

WRONG_OUTCOME: Final = 0.02
"""Unanswered calls that are corrected to answered some minutes later."""

# Orders

TAKEN_BACK: Final = 0.035
TAKEN_BACK_AS: Final = (("answered", 60), ("refused", 40))
CALLED_AFTER_TAKING_BACK: Final = 0.6
SAME_DAY_DELIVERY: Final = 0.15
"""Of the orders taken before 15:00."""
DELIVERED: Final = 0.95
SECOND_ORDER: Final = 0.05

# Other results

REFUSAL_REPORTED_LATER: Final = 0.4
"""Of the refused calls without a failure: one without a call_id follows, as if its author did not know of the call."""
REFUSAL_BY_INCOMING_CALL: Final = 0.3
"""Of the refusals without a call of ours: they have the id of the client's own call."""
TRIED_AGAIN_AFTER_REFUSAL: Final = 0.06
"""The manager plans the task again, a month later."""
RETURNED_AFTER_NO_CONTACT: Final = 0.12
POSTPONED_BY_DAYS: Final = (
    *((1, 18), (2, 20), (3, 16), (4, 10)),
    *((5, 8), (6, 6), (7, 14), (14, 8)),
)
POSTPONED_WITH_DUE: Final = 0.15
"""Of the postponements to another day; the next one is of those within the day."""
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
