"""Commands that run a stack: up, demo."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from devkit.cli.calendar import calendar_of
from devkit.cli.options import (
    ApiPort,
    DataDir,
    DaysBefore,
    Fresh,
    KafkaPort,
    Operators,
    Partitions,
    Profile,
    RedisPort,
    Seed,
    Speed,
    Tasks,
)
from devkit.cli.output import echo, err, out, warn
from devkit.stack.state import DEFAULT_DATA_DIR

if TYPE_CHECKING:
    from devkit.stack.configuration import StackOptions
    from devkit.stack.run import Stack


def up(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    fresh: Fresh = False,
    kafka_port: KafkaPort = None,
    redis_port: RedisPort = None,
    api_port: ApiPort = None,
    partitions: Partitions = 8,
) -> None:
    """Run Kafka, Redis, the projector and the API until stopped; all on 127.0.0.1."""
    from devkit.stack.configuration import StackOptions

    options = StackOptions(data_dir, fresh, kafka_port, redis_port, api_port, partitions)
    asyncio.run(_up(options))


async def _up(options: "StackOptions") -> None:
    from devkit.stack.processes import cancelled_by_signals

    with cancelled_by_signals():
        async with _started_stack(options) as stack:
            state = stack.state
            echo(
                f"Obzvon is up: page {state.api}/ (log in at {state.api}/login), "
                f"API {state.api}, Kafka {state.kafka} (topic "
                f"{state.events_topic}), Redis {state.redis}; Ctrl-C stops it"
            )
            await stack.watch(warn)


def demo(
    data_dir: Annotated[
        Path | None,
        typer.Option(help="Folder of its data; without it .obzvon/demo, emptied at the start"),
    ] = None,
    fresh: Fresh = False,
    kafka_port: KafkaPort = None,
    redis_port: RedisPort = None,
    api_port: ApiPort = None,
    operators: Operators = 12,
    tasks: Tasks = 600,
    speed: Speed = 60,
    seed: Seed = 1,
    profile: Profile = "delivery",
    days_before: DaysBefore = None,
) -> None:
    """The stack, a simulated call-out day and its report, live in the terminal."""
    from devkit.demo import run_demo
    from devkit.simulator.staging import SimulateOptions
    from devkit.stack.configuration import StackOptions
    from devkit.stack.processes import cancelled_by_signals

    options = StackOptions(
        data_dir or DEFAULT_DATA_DIR / "demo",
        fresh or data_dir is None,
        kafka_port,
        redis_port,
        api_port,
    )

    async def run() -> None:
        with cancelled_by_signals():
            async with _started_stack(options) as stack:
                timezone, day_end = calendar_of(stack.state)
                day = SimulateOptions(
                    operators=operators,
                    tasks=tasks,
                    speed=speed,
                    seed=seed,
                    profile=profile,
                    days_before=days_before,
                    shift_to_now=True,
                    timezone=timezone,
                    day_end=day_end,
                )
                await run_demo(stack, day, out, warn)

    asyncio.run(run())


@asynccontextmanager
async def _started_stack(options: "StackOptions") -> AsyncIterator["Stack"]:
    """The running stack; on a terminal, a spinner turns until it runs."""
    from devkit.stack.run import run_stack

    with ExitStack() as until_it_runs:
        if err.is_terminal:
            until_it_runs.enter_context(err.status("starting Kafka, Redis, projector and API …"))
        async with run_stack(options) as stack:
            until_it_runs.close()
            yield stack
