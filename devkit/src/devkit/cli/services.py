"""Commands of the services, run with the stack's settings: verify, rebuild, redrive, repartition, keys."""

import os
import sys
from pathlib import Path

import typer

from devkit.cli.options import DataDir
from devkit.stack.state import DEFAULT_DATA_DIR, find_stack


def verify(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Fold Kafka afresh and compare it with Redis; exit 1 on a difference."""
    _become_service_command("projector", "verify", context.args, data_dir)


def rebuild(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Build the projection anew beside the live one, then switch to it."""
    _become_service_command("projector", "rebuild", context.args, data_dir)


def redrive(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Send dead letters back to the events topic."""
    _become_service_command("projector", "redrive", context.args, data_dir)


def repartition(context: typer.Context, data_dir: DataDir = DEFAULT_DATA_DIR) -> None:
    """Copy the events into a topic with another number of partitions."""
    _become_service_command("projector", "repartition", context.args, data_dir)


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
