"""The `obzvon` command: which commands it has, and how it ends."""

import logging
import os
import sys
from typing import Annotated, Any

import typer

from devkit.cli.events import publish, simulate
from devkit.cli.output import warn
from devkit.cli.reading import token, watch
from devkit.cli.services import keys, rebuild, redrive, repartition, verify
from devkit.cli.stack import demo, up
from devkit.errors import StackError

cli = typer.Typer(
    name="obzvon",
    help="The live call-out report: everything one needs to run it, feed it and watch it.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

PASS_ON_OPTIONS: dict[str, Any] = {"allow_extra_args": True, "ignore_unknown_options": True}
"""For the services' own commands: they read their options, and print their help, themselves."""

for command in (up, demo, publish, simulate, token, watch):
    cli.command()(command)
for service_command in (verify, rebuild, redrive, repartition, keys):
    cli.command(context_settings=PASS_ON_OPTIONS, add_help_option=False)(service_command)


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


def app() -> None:
    """Run the command; an error is one line on stderr and exit code 1."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # its failures reach us as exceptions
    try:
        cli()
    except StackError as error:
        warn(str(error))
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has closed it
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
