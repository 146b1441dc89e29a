"""What keeps the shards from being read."""

from collections.abc import Iterator
from contextlib import contextmanager

from runtime.redis import RETRYABLE


class Unavailable(Exception):
    """No report or row can be read; says why."""


def describe(error: BaseException) -> str:
    """Returns the error's message, or its class if it has none."""
    return str(error) or type(error).__name__


@contextmanager
def reading() -> Iterator[None]:
    """Turns failures of Redis into `Unavailable`."""
    try:
        yield
    except RETRYABLE as error:
        raise Unavailable(f"Redis can't be read: {error}") from error
