"""Plays a simulated call-out day into Kafka, as any other service would publish it."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Final

from pydantic_core import to_json
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from devkit.progress import LINE_EVERY_S, at_most_every
from devkit.publishing.sending import open_publisher
from devkit.simulator.clock import HOUR
from devkit.simulator.day import timetable
from devkit.simulator.staging import SimulateOptions, choose_stage, record_timestamp_ms

PROGRESS_EVERY_S: Final = 0.1
"""Seconds between two reports of progress, at least."""


@dataclass(frozen=True)
class PlayProgress:
    """How many events of each type have been published."""

    day: date
    by_type: Counter[str] = field(default_factory=Counter)
    total: int = 0
    """Events of the whole day, up to the time at which it is to stop."""
    second: int = 0
    """The simulated second that playing has reached."""

    @property
    def published(self) -> int:
        return self.by_type.total()

    @property
    def hour(self) -> str:
        """The simulated date and time that playing has reached, for a person."""
        at = datetime(self.day.year, self.day.month, self.day.day) + timedelta(seconds=self.second)  # noqa: DTZ001 - a simulated wall clock
        return f"{at:%d.%m %H:%M}"

    def __str__(self) -> str:
        kinds = ", ".join(
            f"{name.removeprefix('task-').removesuffix('.v1')} {count}"
            for name, count in sorted(self.by_type.items(), key=lambda item: -item[1])
        )
        return f"{self.published} events for {self.day}" + (f": {kinds}" if kinds else "")


async def simulate(
    options: SimulateOptions,
    *,
    bootstrap: str,
    topic: str,
    on_progress: Callable[[PlayProgress], None] | None = None,
) -> PlayProgress:
    """Play the day; returns what was published, once Kafka has acknowledged all of it.

    It calls `on_progress` now and then with a new value. An unreachable broker is a `StackError`.
    If cancelled, it stops at once; what it has sent by then stays published.
    """
    stage = choose_stage(options, time.time())
    # Simulating a large day takes seconds; in a thread it does not block the event loop.
    timed = await asyncio.to_thread(timetable, stage.plan)
    if options.until is not None:
        until = options.until
        last = until.hour * HOUR + until.minute * 60 + until.second
        timed = [simulated for simulated in timed if simulated.reported <= last]
    by_type: Counter[str] = Counter()
    second = timed[0].reported if timed else 0

    def counts() -> PlayProgress:
        return PlayProgress(stage.plan.date, Counter(by_type), len(timed), second)

    reported_at = 0.0
    async with open_publisher(bootstrap, topic) as publisher:
        for simulated in timed:
            now = time.time()
            if (wait := stage.played_at(simulated.reported) - now) > 0:
                await asyncio.sleep(wait)
                now = time.time()
            await publisher.send(
                to_json(simulated.event),
                simulated.event["subject"],
                record_timestamp_ms(
                    datetime.fromisoformat(simulated.event["time"]).timestamp(), now
                ),
            )
            by_type[simulated.event["type"]] += 1
            second = simulated.reported
            if on_progress and now - reported_at >= PROGRESS_EVERY_S:
                reported_at = now
                on_progress(counts())
        await publisher.flush()
    if on_progress:
        on_progress(counts())
    return counts()


async def play(
    options: SimulateOptions, *, bootstrap: str, topic: str, out: Console, err: Console
) -> PlayProgress:
    """Simulate and show it: progress on `err`, the final counts as one line on `out`."""
    reached = None

    def note_progress(counts: PlayProgress) -> None:
        nonlocal reached
        reached = counts
        show(counts)

    try:
        with _progress(err) as show:
            return await simulate(
                options, bootstrap=bootstrap, topic=topic, on_progress=note_progress
            )
    finally:
        if reached:  # also if it is stopped
            out.print(f"published {reached}", soft_wrap=True)


@contextmanager
def _progress(console: Console) -> Iterator[Callable[[PlayProgress], None]]:
    """What shows the progress: a bar on a terminal, otherwise a line now and then."""
    if console.is_terminal:
        columns = (
            TextColumn("{task.fields[hour]}"),
            BarColumn(),
            TaskProgressColumn(),
            TextColumn("{task.fields[count]} events"),
        )
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("simulating", total=None, hour="", count=0)

            def move(counts: PlayProgress) -> None:
                bar.update(
                    task,
                    completed=counts.published,
                    total=counts.total,
                    hour=counts.hour,
                    count=counts.published,
                )

            yield move
    else:
        yield at_most_every(
            LINE_EVERY_S,
            lambda counts: console.print(
                f"{counts.hour}: {counts.published} of {counts.total} events"
            ),
        )
