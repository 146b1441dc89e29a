"""Contexts of traces, and events published in them."""

import secrets
from typing import Any

from support.api import Api
from support.events import DAY
from support.publishing import Record, record_of

SERVER, PRODUCER, CONSUMER = 2, 4, 5


def context(*, is_recorded: bool = True) -> str:
    return f"00-{secrets.token_hex(16)}-{secrets.token_hex(8)}-{'01' if is_recorded else '00'}"


def span_id(traceparent: str) -> str:
    return traceparent.split("-")[2]


def trace_id(traceparent: str) -> str:
    return traceparent.split("-")[1]


def in_trace(event: dict[str, Any], traceparent: str) -> Record:
    key, value, more = record_of(event)
    return key, value, {**more, "headers": [("traceparent", traceparent.encode())]}


async def shows(api: Api, tasks: int) -> bool:
    """Whether the report of `DAY` is there by now and counts so many planned contacts."""
    answer = await api.raw("/report", date=DAY)
    return bool(answer.status_code == 200 and answer.json()["totals"]["planned"] == tasks)
