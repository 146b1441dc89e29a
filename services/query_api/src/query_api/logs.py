"""Structured logs: one JSON object a line on stderr."""

import logging
import sys
from typing import Any

import structlog


def configure_logs(level: str, *, traced: bool = False) -> None:
    """Set structlog and the libraries' own logging up; call it once, at start.

    `traced`: lines bear the ids of the span that is active.
    """
    number = logging.getLevelNamesMapping()[level.upper()]
    more: list[Any] = []
    if traced:
        from contracts.spans import in_logs

        more = [in_logs]
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
