"""Which day is simulated, and at which pace it is played: a pure function of options and time."""

import math
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from datetime import time as TimeOfDay  # noqa: N812 - as the type of a field it reads like one
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from contracts.events import MAX_AHEAD_S
from devkit.errors import StackError
from devkit.simulator.campaign_profile import CAMPAIGN
from devkit.simulator.clock import EVENING, HOUR, Clock
from devkit.simulator.day_plan import DayPlan
from devkit.simulator.delivery_profile import DELIVERY
from devkit.simulator.profile import OPENS

LATE_MORNING: Final = 11 * HOUR + HOUR // 2
"""The second that a shifted day has reached now: everything that the report counts has begun to happen."""

ENOUGH_S: Final = 600
"""A shifted day has today's date if so many seconds of it remain, or as many as the day needs."""

BEFORE_WORK: Final = OPENS - 5 * 60
"""The second at which playing a date other than today begins."""


PROFILES: Final = {profile.name: profile for profile in (DELIVERY, CAMPAIGN)}
"""The kinds of business that can be simulated, by name."""


@dataclass(frozen=True)
class SimulateOptions:
    """What to simulate, and how to play it."""

    operators: int = 12
    tasks: int = 600
    speed: float = 60.0
    """Simulated seconds in a second; 0 publishes everything at once."""
    seed: int = 1
    profile: str = DELIVERY.name
    """A name in `PROFILES`."""
    days_before: int | None = None
    """Dates before the day that are simulated too; None: as many as the profile says."""
    day: date | None = None
    """The contact date; None is today in the business time zone."""
    until: TimeOfDay | None = None
    """Stop at this simulated time of the contact date; None plays on to the next day's deliveries."""
    shift_to_now: bool = False
    """Make it late morning of the simulated day now."""
    timezone: str = "Europe/Moscow"
    day_end: str = "24:00"


@dataclass(frozen=True)
class Stage:
    """What is played, and when."""

    plan: DayPlan
    pace: Clock | None
    """When a simulated second is played; None: everything at once."""

    def played_at(self, second: int) -> float:
        """Returns when to play a simulated second, in seconds since 1970."""
        return -math.inf if self.pace is None else self.pace.moment(second)


def choose_stage(options: SimulateOptions, now: float) -> Stage:
    """Returns which date is played, and at which moments.

    Today and a shifted day are live: no event has a time in the future. The past of such a day is
    played at once; the rest is played, and timed, at `speed`. Any other date keeps its times, and
    is played from the morning on.
    """
    timezone = _timezone(options.timezone)
    here = datetime.fromtimestamp(now, timezone)
    today = here.date()
    speed = options.speed
    if speed < 0:
        raise StackError(f"--speed {speed:g}: give 0 or more simulated seconds a second")
    if options.shift_to_now:
        if options.day not in (None, today):
            raise StackError(f"--date {options.day} cannot be shifted to now: leave --date out")
        day = options.day or _shifted_date(options, here)
        clock = Clock.live(day, timezone, now, LATE_MORNING, speed or 1)
        pace = clock
    else:
        day = options.day or today
        clock = pace = Clock.of_date(day, timezone)
        if day != today:
            pace = Clock.for_playback(day, timezone, now, BEFORE_WORK, speed or 1)
        elif speed not in (0, 1):
            clock = pace = Clock.live(day, timezone, now, speed=speed)
    profile = PROFILES[options.profile]
    plan = DayPlan(
        clock, options.operators, options.tasks, options.seed, profile, _days_before(options)
    )
    return Stage(plan, pace if speed else None)


def _days_before(options: SimulateOptions) -> int:
    profile = PROFILES[options.profile]
    days = profile.days_before if options.days_before is None else options.days_before
    if days and not profile.days_before:
        raise StackError(
            f"--days-before {days}: the {profile.name} is a single day, without a past"
        )
    return days


def _shifted_date(options: SimulateOptions, here: datetime) -> date:
    """Returns today; or tomorrow, if today's contacts would be overdue before the day is played."""
    hour, minute = (int(part) for part in options.day_end.split(":"))
    midnight = datetime.combine(here.date(), TimeOfDay(), here.tzinfo)
    remains = (midnight + timedelta(hours=hour, minutes=minute) - here).total_seconds()
    needed = (EVENING - LATE_MORNING) / options.speed if options.speed else 0
    if remains >= min(needed, ENOUGH_S):
        return here.date()
    return here.date() + timedelta(days=1)


def _timezone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise StackError(f"time zone {name}: no such zone is known") from error


def record_timestamp_ms(event_time: float, now: float) -> int | None:
    """Returns the timestamp of the Kafka record: None for now, or the event's time if that is a day away.

    An event more than a day ahead of its record would be a dead letter.
    """
    return None if abs(event_time - now) < MAX_AHEAD_S else int(event_time * 1000)
