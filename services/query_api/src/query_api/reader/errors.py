"""What keeps the shards from being read."""


class Unavailable(Exception):
    """No report or row can be read; says why."""


def describe(error: BaseException) -> str:
    """Returns the error's message, or its class if it has none."""
    return str(error) or type(error).__name__
