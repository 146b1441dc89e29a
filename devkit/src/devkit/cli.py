"""The `obzvon` command."""

import asyncio
import logging
import os
import sys
from collections.abc import AsyncIterator
from contextlib import ExitStack, asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.console import Console

from devkit.errors import StackError
from devkit.stack.state import DEFAULT_DATA_DIR, StackState, find_stack

if TYPE_CHECKING:
    from devkit.stack.configuration import StackOptions
    from devkit.stack.run import Stack

cli = typer.Typer(
    name="obzvon",
    help="The live call-out report: everything one needs to run it, feed it and watch it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

DataDir = Annotated[Path, typer.Option("--data-dir", help="Folder of the stack and its data")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget the data of earlier runs")]
KafkaPort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="9092 by default, or any if that is taken")
]
RedisPort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="6379 by default, or any if that is taken")
]
ApiPort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="8080 by default, or any if that is taken")
]
Partitions = Annotated[int, typer.Option(min=1, max=1000, help="Partitions of the events topic")]
Bootstrap = Annotated[str | None, typer.Option(help="A broker other than the running stack's")]
Topic = Annotated[str | None, typer.Option(help="A topic other than the running stack's")]
Operators = Annotated[int, typer.Option(min=1, help="Operators who call")]
Tasks = Annotated[int, typer.Option(min=1, help="Contacts planned for the day")]
Speed = Annotated[float, typer.Option(min=0, help="Simulated seconds a second; 0: all at once")]
Seed = Annotated[int, typer.Option(help="Another seed is another day")]
Profile = Annotated[
    Literal["delivery", "campaign"],
    typer.Option(help="A business that delivers goods, or a bank's telephone campaign"),
]
DaysBefore = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=60,
        help="Days before it, published first; 7 for a delivery, none for a campaign",
    ),
]
Role = Annotated[str, typer.Option(help="head, quality_control, or any other, which may not read")]

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)


def _print_version(wanted: bool) -> None:
    if wanted:
        from runtime.version import VERSION

        typer.echo(f"obzvon {VERSION}")
        raise typer.Exit


@cli.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version"),
    ] = False,
) -> None:
    pass


@cli.command()
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
            _echo(
                f"Obzvon is up: page {state.api}/ (log in at {state.api}/login), "
                f"API {state.api}, Kafka {state.kafka} (topic "
                f"{state.events_topic}), Redis {state.redis}; Ctrl-C stops it"
            )
            await stack.watch(_warn)


@cli.command()
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
                timezone, day_end = _calendar(stack.state)
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
                await run_demo(stack, day, out, _warn)

    asyncio.run(run())


@cli.command()
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


@cli.command()
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

    timezone, day_end = _calendar(None if bootstrap else find_stack(data_dir))
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


@cli.command()
def token(
    role: Role = "head",
    data_dir: DataDir = DEFAULT_DATA_DIR,
    ttl: Annotated[int, typer.Option(help="Seconds it is good for")] = 3_600,
    subject: Annotated[str | None, typer.Option(help="Whose token it is")] = None,
    operator: Annotated[
        list[str] | None,
        typer.Option(help="Restrict its bearer to this operator id; may be repeated"),
    ] = None,
    manager: Annotated[
        list[str] | None,
        typer.Option(help="Restrict its bearer to this manager id; may be repeated"),
    ] = None,
) -> None:
    """Print a bearer token of the running stack's development issuer."""
    from devkit.stack.issuer.tokens import Person

    person = Person(role, subject, operator or None, manager or None)
    issuer = find_stack(data_dir).open_issuer()
    typer.echo(issuer.access_token(person, ttl_s=ttl))


@cli.command()
def watch(
    data_dir: DataDir = DEFAULT_DATA_DIR,
    date: Annotated[str | None, typer.Option(help="YYYY-MM-DD; today by default")] = None,
    once: Annotated[bool, typer.Option("--once", help="Print the report once and exit")] = False,
    role: Role = "head",
) -> None:
    """The report of the running stack as a live table."""
    from devkit.watch import read_report, watch_once
    from devkit.watch import watch as watch_report

    state = find_stack(data_dir)

    async def run() -> None:
        async with read_report(state, role, date) as reader:
            await (watch_once if once else watch_report)(reader, out)

    asyncio.run(run())


PASS_ON_OPTIONS: dict[str, Any] = {"allow_extra_args": True, "ignore_unknown_options": True}


@cli.command(context_settings=PASS_ON_OPTIONS, add_help_option=False)
def verify(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Fold Kafka afresh and compare it with Redis; exit 1 on a difference."""
    _become_service_command("projector", "verify", context.args, data_dir)


@cli.command(context_settings=PASS_ON_OPTIONS, add_help_option=False)
def rebuild(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Build the projection anew beside the live one, then switch to it."""
    _become_service_command("projector", "rebuild", context.args, data_dir)


@cli.command(context_settings=PASS_ON_OPTIONS, add_help_option=False)
def redrive(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Send dead letters back to the events topic."""
    _become_service_command("projector", "redrive", context.args, data_dir)


@cli.command(context_settings=PASS_ON_OPTIONS, add_help_option=False)
def repartition(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Copy the events into a topic with another number of partitions."""
    _become_service_command("projector", "repartition", context.args, data_dir)


@cli.command(context_settings=PASS_ON_OPTIONS, add_help_option=False)
def keys(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Wallboard keys: create, list, revoke."""
    _become_service_command("query_api", "keys", context.args, data_dir)


def _become_service_command(
    module: str, command: str, arguments: list[str], data_dir: Path
) -> None:
    """Replace this process by the service's own command, with the running stack's settings."""
    environment = find_stack(data_dir).environment()
    sys.stdout.flush()
    words = [sys.executable, "-m", module, command, *arguments]
    os.execve(sys.executable, words, environment)  # noqa: S606 - no shell is wanted


def _target(data_dir: Path, bootstrap: str | None, topic: str | None) -> tuple[str, str]:
    """Returns the broker and topic to publish to: as given, otherwise the running stack's."""
    if bootstrap is not None:
        return bootstrap, topic or "task-events"
    state = find_stack(data_dir)
    return state.kafka, topic or state.events_topic


def _calendar(state: StackState | None) -> tuple[str, str]:
    """Returns the time zone and the end of day of the stack, or without one of the environment."""
    settings = os.environ if state is None else state.settings
    timezone = settings.get("OBZVON_TIMEZONE", "Europe/Moscow")
    return timezone, settings.get("OBZVON_DAY_END", "24:00")


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


def _echo(line: str) -> None:
    out.print(line, soft_wrap=True, markup=False)


def _warn(line: str) -> None:
    err.print(f"obzvon: {line}", soft_wrap=True, markup=False)


def app() -> None:
    """Run the command; an error is one line on stderr and exit code 1."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its failures reach us as exceptions
    try:
        cli()
    except StackError as error:
        _warn(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)


if __name__ == "__main__":
    app()
