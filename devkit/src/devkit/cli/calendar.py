"""The calendar that a stack counts in."""

import os

from devkit.stack.state import StackState


def calendar_of(state: StackState | None) -> tuple[str, str]:
    """Returns the time zone and the end of day of the stack, or without one of the environment."""
    settings = os.environ if state is None else state.settings
    timezone = settings.get("OBZVON_TIMEZONE", "Europe/Moscow")
    return timezone, settings.get("OBZVON_DAY_END", "24:00")
