"""Commands that send events: publish, simulate."""

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from devkit.cli.calendar import calendar_of
from devkit.cli.options import (
    Bootstrap,
    DataDir,
    DaysBefore,
    Operators,
    Profile,
    Seed,
    Speed,
    Tasks,
    Topic,
)
from devkit.cli.output import err, out
from devkit.stack.state import DEFAULT_DATA_DIR, find_stack


def publish(
    file: Annotated[str, typer.Argument(help="CloudEvents, one JSON a line; - is standard input")],
    data_dir: DataDir = DEFAULT_DATA_DIR,
    bootstrap: Bootstrap = None,
    topic: Topic = None,
    timestamps: Annotated[
        Literal["now", "event"], typer.Option(help="The records' time: now, or their event's")
    ] = "now",
    validate: Annotated[
        bool, typer.Option("--validate/--no-validate", help="Send nothing that is no event")
    ] = True,
) -> None:
    """Publish events to the running stack, keyed by task and acknowledged."""
    from devkit.publishing.file import publish_file

    kafka, events = _target(data_dir, bootstrap, topic)
    all_were_good = asyncio.run(
        publish_file(
            file, kafka, events, timestamps=timestamps, validate=validate, out=out, err=err
        )
    )
    if not all_were_good:
        raise typer.Exit(1)


def simulate(
    operators: Operators = 12,
    tasks: Tasks = 600,
    speed: Speed = 60,
    seed: Seed = 1,
    profile: Profile = "delivery",
    days_before: DaysBefore = None,
    date: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="The contact date; today by default"),
    ] = None,
    until: Annotated[
        datetime | None,
        typer.Option(formats=["%H:%M"], help="Stop at this time of the simulated day"),
    ] = None,
    shift_to_now: Annotated[
        bool, typer.Option("--shift-to-now", help="Make it late morning of that day now")
    ] = False,
    data_dir: DataDir = DEFAULT_DATA_DIR,
    bootstrap: Bootstrap = None,
    topic: Topic = None,
) -> None:
    """Play a call-out day into Kafka, as any other service would publish it."""
    from devkit.simulator.play import play
    from devkit.simulator.staging import SimulateOptions

    timezone, day_end = calendar_of(None if bootstrap else find_stack(data_dir))
    kafka, events = _target(data_dir, bootstrap, topic)
    options = SimulateOptions(
        operators=operators,
        tasks=tasks,
        speed=speed,
        seed=seed,
        profile=profile,
        days_before=days_before,
        day=date.date() if date else None,
        until=until.time() if until else None,
        shift_to_now=shift_to_now,
        timezone=timezone,
        day_end=day_end,
    )
    asyncio.run(play(options, bootstrap=kafka, topic=events, out=out, err=err))


def _target(data_dir: Path, bootstrap: str | None, topic: str | None) -> tuple[str, str]:
    """Returns the broker and topic to publish to: as given, otherwise the running stack's."""
    if bootstrap is not None:
        return bootstrap, topic or "task-events"
    state = find_stack(data_dir)
    return state.kafka, topic or state.events_topic
