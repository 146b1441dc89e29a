"""The simulator's bytes are fixed: what a seed gives today it gives after every change of the code."""

import hashlib
import json
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from devkit.simulator.clock import HOUR, Clock
from devkit.simulator.day import timetable
from devkit.simulator.day_plan import DayPlan
from devkit.simulator.delivery_profile import DELIVERY

MOSCOW = ZoneInfo("Europe/Moscow")
DATE = date(2025, 11, 24)
EVENING = datetime(2025, 11, 24, 23, 30, tzinfo=MOSCOW).timestamp()

CLOCKS = {
    "as it is": Clock.of_date(DATE, MOSCOW),
    "another zone": Clock.of_date(date(2024, 2, 29), ZoneInfo("Asia/Omsk")),
    "shifted": Clock.live(DATE, MOSCOW, EVENING, 11.5 * HOUR, 600),
}

DIGESTS = {
    ("as it is", 12, 600, 1): "9dfbc973d7f2078ad0c823f3182c08f0c9c4ce110353bde1b0f11b68e1fd499c",
    ("as it is", 3, 60, 2**63): "afc73518c371c4c3f9f335d413367393a4833514a0fffaf7c39a612b44b49285",
    (
        "another zone",
        25,
        900,
        7,
    ): "0890006c500deb60c96f2461091e71f50096a8142e7aeee5cd8425194bc0c0fe",
    ("shifted", 12, 600, 1): "345577effafb27bb64bd2e36f7c1d28f78f89031e942e8ac042d3dc46b686a23",
    ("shifted", 1, 40, 0): "b1114fb4ee7736210138aa240ef0a3953d501034852b4e7a82f1cb3bdd8946b1",
}
"""(clock, operators, tasks, seed) → SHA-256 of the events of a campaign's day."""

DELIVERY_DIGESTS = {
    ("as it is", 12, 600, 1, 7): "98fec588629375ceb73b1bcc090c98c6f033bcb789baa607612e1a4f1a3802cb",
    (
        "shifted",
        3,
        60,
        2**63,
        2,
    ): "60610ff2fde5b90d5160fd87c1301a0e2807f49f25dc1e71319a557cbe26911f",
    (
        "another zone",
        3,
        60,
        7,
        0,
    ): "22a0b6f0ddac0d86d26bdf283cf778edd7d5c23d7817eea61f5e5fed4e018197",
}
"""(clock, operators, tasks, seed, days before) → SHA-256 of the events of a delivery's days."""


@pytest.mark.parametrize("plan", DIGESTS)
def test_a_plan_gives_the_bytes_it_has_always_given(plan: tuple[str, int, int, int]) -> None:
    clock, operators, tasks, seed = plan
    assert digest(DayPlan(CLOCKS[clock], operators, tasks, seed)) == DIGESTS[plan]


@pytest.mark.parametrize("plan", DELIVERY_DIGESTS)
def test_a_delivery_gives_the_bytes_it_has_always_given(
    plan: tuple[str, int, int, int, int],
) -> None:
    clock, operators, tasks, seed, days_before = plan
    of_plan = DayPlan(CLOCKS[clock], operators, tasks, seed, DELIVERY, days_before)
    assert digest(of_plan) == DELIVERY_DIGESTS[plan]


def digest(plan: DayPlan) -> str:
    found = hashlib.sha256()
    for second, reported, event in timetable(plan):
        found.update(f"{second} {reported} {json.dumps(event, ensure_ascii=False)}\n".encode())
    return found.hexdigest()
