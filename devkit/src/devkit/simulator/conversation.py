"""How a contact goes: the calls that it takes, and how the last of them ends."""

from typing import NamedTuple


class Conversation(NamedTuple):
    """The calls of one contact."""

    calls: int
    """Calls up to the one that decides, including it; 1 or more."""
    duration_s: int
    """Length of the last call."""
    is_success: bool
    """The client buys."""
