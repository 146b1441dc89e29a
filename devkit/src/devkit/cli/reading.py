"""Commands that read the report: token, watch."""

import asyncio
from typing import Annotated

import typer

from devkit.cli.options import DataDir, Role
from devkit.cli.output import out
from devkit.stack.state import DEFAULT_DATA_DIR, find_stack


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
