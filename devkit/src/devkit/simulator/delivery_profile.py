"""The day of a business that delivers goods to addresses on a cycle (bottled water, say).

Its clients know the operator and expect the call, so that about half of the contacts end in an
order. The numbers are judgement, not data: docs/simulator.md says what each is based on, and a test
holds what they come to.
"""

from typing import Final

from devkit.simulator.clock import HOUR
from devkit.simulator.conversation import Conversation
from devkit.simulator.profile import MINUTE, Profile
from devkit.simulator.rng import Rng

ORDERS: Final = 0.52
ORDERS_BY_SKILL: Final = 0.1
"""The share of conversations that end in an order, and how much the best operator has more."""

CALLS: Final = ((1, 55), (2, 22), (3, 9), (4, 7), (5, 4), (6, 3))
"""Calls up to the one in which the client has time to talk."""

ORDER_S: Final = (50, 80)
TALK_S: Final = (25, 65)
"""A conversation with and without an order: seconds at least, and the mean of what is added."""


def _draw(rng: Rng, skill: float) -> Conversation:
    is_order = rng.chance(ORDERS + ORDERS_BY_SKILL * skill)
    calls = rng.weighted(CALLS)
    least, more = ORDER_S if is_order else TALK_S
    # The product of two numbers of mean 1/2 has many small values and a long tail.
    duration = least + int(4 * more * rng.random() * rng.random())
    return Conversation(calls, duration, is_order)


DELIVERY: Final = Profile(
    name="delivery",
    draw=_draw,
    pace_by_skill=0.4,
    between_calls_s=(20, 75),
    lunch=(12 * HOUR + 40 * MINUTE, 13 * HOUR + 10 * MINUTE),
    lunch_minutes=(40, 60),
    rhythm=(
        *((9, 9), (10, 14), (11, 14), (12, 9), (13, 2)),
        *((14, 9), (15, 12), (16, 11), (17, 7), (18, 3)),
    ),
    how_planned=(
        ("left over", 3),
        ("postponed here", 12),
        ("planned today", 4),
        ("planned", 81),
    ),
    delivery_after_days=((1, 70), (2, 27), (None, 3)),
    delivers_on_plan_date=True,
    new_client=0.04,
    has_due=0.14,
    called_before_due=0.93,
    left_over_became=(("unfinished", 62), ("postponed", 26), ("dropped", 12)),
    outcomes_before_the_last=(("no_answer", 68), ("busy", 14), ("answered", 18)),
    call_again_minutes=(25, 110),
    unanswered_at_most=(3, 4),
    short_talk_s=45,
    talk_results={
        True: (
            ("refused", 7),
            ("refused, no failure reported", 2),
            ("refused without a call", 1),
            ("postponed to another day", 38),
            ("postponed within the day", 20),
            ("address dropped", 6),
            ("address closed", 2),
            ("undecided", 8),
        ),
        False: (
            ("refused", 3),
            ("refused, no failure reported", 1),
            ("refused without a call", 1),
            ("postponed to another day", 45),
            ("postponed within the day", 19),
            ("address dropped", 4),
            ("address closed", 1),
            ("undecided", 9),
        ),
    },
    taken_back=0.02,
    same_day_delivery=0.06,
    delivered=0.97,
    second_order=0.03,
    days_before=7,
    weekday_volume=(1.0, 1.0, 1.0, 1.0, 1.0, 0.55, 0.3),
    volume_varies_by=0.06,
)
