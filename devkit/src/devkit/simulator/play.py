"""Plays a simulated call-out day into Kafka, as any other service would publish it.

Which day, and at which pace, is decided by `staged`, a pure function of the options and the time; the day
itself comes from devkit.simulator.day.
"""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from datetime import time as TimeOfDay  # noqa: N812 - the module time is used beside it
from typing import Final
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic_core import to_json
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from contracts.events import MAX_AHEAD_S
from devkit.errors import StackError
from devkit.publishing.publish import PLAIN_EVERY_S, publishing
from devkit.simulator.clock import EVENING, HOUR, Clock
from devkit.simulator.day import DayPlan, timetable
from devkit.simulator.probabilities import OPENS

LATE_MORNING: Final = 11 * HOUR + HOUR // 2
"""The hour that a shifted day has reached now: everything the report counts has begun to happen."""

ENOUGH_S: Final = 600
"""A shifted day plays on today's date if so many seconds, or all it needs, remain of it."""

BEFORE_WORK: Final = OPENS - 5 * 60
"""Where the playing of a day that is not today begins."""

PROGRESS_EVERY_S: Final = 0.1
"""Seconds between two reports of progress, at least."""


@dataclass(frozen=True)
class SimulateOptions:
    """What to simulate, and how to play it."""

    operators: int = 12
    tasks: int = 600
    speed: float = 60.0
    """Simulated seconds in a second; 0 publishes everything at once."""
    seed: int = 1
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
        """Seconds since 1970."""
        return -math.inf if self.pace is None else self.pace.moment(second)


@dataclass(frozen=True)
class Counts:
    """How many events of each type have been published."""

    day: date
    by_type: Counter[str] = field(default_factory=Counter)
    total: int = 0
    """Events of the whole day, up to where it is to stop."""
    second: int = 0
    """The simulated second that is reached."""

    @property
    def published(self) -> int:
        return self.by_type.total()

    @property
    def hour(self) -> str:
        """The simulated date and time that is reached, for a person."""
        at = datetime(self.day.year, self.day.month, self.day.day) + timedelta(seconds=self.second)  # noqa: DTZ001 - a simulated wall clock
        return f"{at:%d.%m %H:%M}"

    def __str__(self) -> str:
        kinds = ", ".join(
            f"{name.removeprefix('task-').removesuffix('.v1')} {count}"
            for name, count in sorted(self.by_type.items(), key=lambda item: -item[1])
        )
        return f"{self.published} events for {self.day}" + (f": {kinds}" if kinds else "")


def staged(options: SimulateOptions, now: float) -> Stage:
    """Which date is played, and how its seconds fall on the clock.

    Today, and a shifted day, are live: an event never bears a time that is yet to come. Its past
    is played at once; what is to come is played, and timed, `speed` times faster than life. Any
    other date keeps its times, and is played from the morning on.
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
            pace = Clock.of_playing(day, timezone, now, BEFORE_WORK, speed or 1)
        elif speed not in (0, 1):
            clock = pace = Clock.live(day, timezone, now, speed=speed)
    plan = DayPlan(clock, options.operators, options.tasks, options.seed)
    return Stage(plan, pace if speed else None)


def _shifted_date(options: SimulateOptions, here: datetime) -> date:
    """Today; tomorrow if today's contacts would be overdue before the day has been played."""
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


async def simulate(
    options: SimulateOptions,
    *,
    bootstrap: str,
    topic: str,
    on_progress: Callable[[Counts], None] | None = None,
) -> Counts:
    """Play the day; returns what was published, once Kafka has acknowledged all of it.

    `on_progress` is called now and then with the counts so far, a new value each time. A broker out of reach is a
    `StackError`. Cancelled, it stops at once; what was sent by then stays.
    """
    stage = staged(options, time.time())
    # A large day takes seconds to think up: whoever shares the loop goes on meanwhile.
    happenings = await asyncio.to_thread(timetable, stage.plan)
    if options.until is not None:
        until = options.until
        last = until.hour * HOUR + until.minute * 60 + until.second
        happenings = [happening for happening in happenings if happening.told <= last]
    by_type: Counter[str] = Counter()
    second = happenings[0].told if happenings else 0

    def counts() -> Counts:
        return Counts(stage.plan.date, Counter(by_type), len(happenings), second)

    report = 0.0
    async with publishing(bootstrap, topic) as publisher:
        for happening in happenings:
            now = time.time()
            if (wait := stage.played_at(happening.told) - now) > 0:
                await asyncio.sleep(wait)
                now = time.time()
            await publisher.send(
                to_json(happening.event),
                happening.event["subject"],
                record_timestamp_ms(stage.plan.clock.moment(happening.second), now),
            )
            by_type[happening.event["type"]] += 1
            second = happening.told
            if on_progress and now - report >= PROGRESS_EVERY_S:
                report = now
                on_progress(counts())
        await publisher.flush()
    if on_progress:
        on_progress(counts())
    return counts()


def record_timestamp_ms(event_time: float, now: float) -> int | None:
    """The Kafka record's timestamp: now (None), or the event's own time if that is a day away.

    An event more than a day ahead of its record would be a dead letter.
    """
    return None if abs(event_time - now) < MAX_AHEAD_S else int(event_time * 1000)


async def play(
    options: SimulateOptions, *, bootstrap: str, topic: str, out: Console, err: Console
) -> Counts:
    """Simulate and show it: progress on `err`, the final counts as one line on `out`."""
    reached = None

    def remember(counts: Counts) -> None:
        nonlocal reached
        reached = counts
        show(counts)

    try:
        with _progress(err) as show:
            return await simulate(options, bootstrap=bootstrap, topic=topic, on_progress=remember)
    finally:
        if reached:  # also when it is stopped
            out.print(f"published {reached}", soft_wrap=True)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[Counts], None]]:
    """What shows the counts: a bar on a terminal, a line now and then elsewhere."""
    if console.is_terminal:
        columns = (
            TextColumn("{task.fields[hour]}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[count]} events"),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("simulating", total=None, hour="", count=0)

            def move(counts: Counts) -> None:
                bar.update(
                    task,
                    completed=counts.published,
                    total=counts.total,
                    hour=counts.hour,
                    count=counts.published,
                )

            yield move
    else:
        last = time.monotonic()

        def say(counts: Counts) -> None:
            nonlocal last
            if (now := time.monotonic()) - last >= PLAIN_EVERY_S:
                last = now
                console.print(f"{counts.hour}: {counts.published} of {counts.total} events")

        yield say
