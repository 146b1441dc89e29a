"""The demo: a simulated call-out day and its report, live in the terminal."""

import asyncio
import shlex
import sys
import time
from collections.abc import Callable
from pathlib import Path

from rich.console import Console

from devkit.simulator.play import PlayProgress, simulate
from devkit.simulator.staging import SimulateOptions, choose_stage
from devkit.stack.issuer.tokens import Person
from devkit.stack.run import Stack, run_together
from devkit.stack.state import DEFAULT_DATA_DIR, StackState
from devkit.watch import read_report, watch


async def run_demo(
    stack: Stack, options: SimulateOptions, out: Console, warn: Callable[[str], None]
) -> None:
    """Print how to use the stack, then simulate and watch until cancelled."""
    state = stack.state
    for line in introduction(state):
        out.print(line, soft_wrap=True, markup=False)
    day = choose_stage(options, time.time()).plan.date
    progress = "симуляция начинается"
    day_begins = asyncio.Event()
    out.print("Публикуются дни до сегодняшнего, затем начинается живой день …", markup=False)

    def note_progress(counts: PlayProgress) -> None:
        nonlocal progress
        if counts.second >= 0:
            day_begins.set()
        progress = f"симуляция: {counts.hour}, событий {counts.published} из {counts.total}"
        if counts.published == counts.total:
            progress += "; день сыгран, Ctrl-C завершает"

    async def watch_the_day() -> None:
        # Before that the report is made of what earlier days have left, which misleads.
        await day_begins.wait()
        await watch(reader, out, note=lambda: progress)

    async with read_report(state, date=day.isoformat()) as reader:
        await run_together(
            stack.watch(warn),
            simulate(
                options,
                bootstrap=state.kafka,
                topic=state.events_topic,
                on_progress=note_progress,
            ),
            watch_the_day(),
        )


def introduction(state: StackState) -> list[str]:
    """Returns lines with the addresses of page and API, its login, a token and a command to try."""
    token = state.open_issuer().access_token(Person("head"))
    command = shlex.quote(_as_typed_here(Path(sys.argv[0])))
    where = ""
    if state.data_dir not in (DEFAULT_DATA_DIR.absolute(), DEFAULT_DATA_DIR.absolute() / "demo"):
        where = f" --data-dir {shlex.quote(str(state.data_dir))}"
    request = f'curl -s -H "Authorization: Bearer $({command} token --role head{where})"'
    return [
        f"Page: {state.api}/",
        f"API: {state.api} (docs: {state.api}/docs)",
        f"Log in: {state.api}/login, as one of four people without a password",
        f"Token of the role head, good for an hour: {token}",
        f"Try: {request} {state.api}/api/v1/report",
    ]


def _as_typed_here(path: Path) -> str:
    """Returns the shortest way to type the path in the current folder."""
    here = Path.cwd()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)
