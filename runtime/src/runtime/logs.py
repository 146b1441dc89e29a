"""Structured logs: one JSON object a line on stderr."""

import logging
import sys
from typing import Any, Final, Protocol

import structlog

MAX_KINDS: Final = 32
"""Kinds of message that an `OncePerKindHandler` passes on."""


class Log(Protocol):
    """Where events are logged: a structlog logger, or whatever a command has instead."""

    def warning(self, event: str, **fields: Any) -> Any: ...
    def info(self, event: str, **fields: Any) -> Any: ...


def configure_logs(level: str, *, traced: bool = False) -> None:
    """Set up structlog and the libraries' own logging; call it once, at the start.

    `level` is one of debug, info, warning and error. If `traced`, each line has the ids of the
    active span.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    more: list[Any] = []
    if traced:
        from runtime.tracing import add_span_ids

        more = [add_span_ids]
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            *more,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.WriteLoggerFactory(file=sys.stderr),
    )
    logging.basicConfig(level=max(number, logging.WARNING), stream=sys.stderr)


def divert(name: str, handler: logging.Handler) -> None:
    """Have one handler take all that a library logs under `name`; the process' own see none of it."""
    logger = logging.getLogger(name)
    logger.handlers = [handler]
    logger.propagate = False


class LastMessageHandler(logging.Handler):
    """Keeps the last message, to say why something failed."""

    message = ""

    def emit(self, record: logging.LogRecord) -> None:
        self.message = record.getMessage()


class OncePerKindHandler(logging.Handler):
    """Logs each kind of warning once, as `event`, for the first `MAX_KINDS` kinds.

    A kind is a message without its arguments: those may hold anything, so they are never logged.
    """

    def __init__(self, log: Log, event: str) -> None:
        super().__init__(logging.WARNING)
        self._log = log
        self._event = event
        self._logged: set[str] = set()

    def emit(self, record: logging.LogRecord) -> None:
        kind = str(record.msg)
        if kind not in self._logged and len(self._logged) < MAX_KINDS:
            self._logged.add(kind)
            self._log.warning(self._event, reason=kind)
