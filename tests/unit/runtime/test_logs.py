"""Handlers for what a library logs."""

import logging
from collections.abc import Iterator
from typing import Any

import pytest

from runtime.logs import MAX_KINDS, LastMessageHandler, OncePerKindHandler, divert

NAME = "obzvon.tests.library"


@pytest.fixture
def library() -> Iterator[logging.Logger]:
    logger = logging.getLogger(NAME)
    yield logger
    logger.handlers, logger.propagate = [], True


class Kept:
    def __init__(self) -> None:
        self.events: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **fields: Any) -> None:
        self.events.append((event, fields))

    info = warning


def test_the_last_message_is_kept(
    library: logging.Logger, caplog: pytest.LogCaptureFixture
) -> None:
    last = LastMessageHandler()
    divert(NAME, last)
    library.warning("first")
    library.warning("after %s s", 5)
    assert last.message == "after 5 s"
    assert caplog.records == [], "the process' own handlers see none of it"


def test_each_kind_of_warning_is_logged_once_and_without_its_arguments(
    library: logging.Logger,
) -> None:
    kept = Kept()
    divert(NAME, OncePerKindHandler(kept, "library_trouble"))
    for who in ("Ivan", "Pyotr"):
        library.warning("not sent: %s", who)
        library.info("sent: %s", who)
    assert kept.events == [("library_trouble", {"reason": "not sent: %s"})]


def test_kinds_without_end_do_not_fill_the_log(library: logging.Logger) -> None:
    kept = Kept()
    divert(NAME, OncePerKindHandler(kept, "library_trouble"))
    for number in range(2 * MAX_KINDS):
        library.warning(f"kind {number}")
    assert len(kept.events) == MAX_KINDS
