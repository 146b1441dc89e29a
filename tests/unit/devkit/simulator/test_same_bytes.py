"""The simulator's bytes are fixed: what a seed gives today it gives after every change of the code."""

import hashlib
import json
from datetime import date, datetime
from zoneinfo import ZoneInfo

import pytest

from devkit.simulator.clock import HOUR, Clock
from devkit.simulator.day import timetable
from devkit.simulator.day_plan import DayPlan

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
"""(clock, operators, tasks, seed) → SHA-256 of the events."""


@pytest.mark.parametrize("plan", DIGESTS)
def test_a_plan_gives_the_bytes_it_has_always_given(plan: tuple[str, int, int, int]) -> None:
    clock, operators, tasks, seed = plan
    found = hashlib.sha256()
    for second, reported, event in timetable(DayPlan(CLOCKS[clock], operators, tasks, seed)):
        found.update(f"{second} {reported} {json.dumps(event, ensure_ascii=False)}\n".encode())
    assert found.hexdigest() == DIGESTS[plan]
