"""Every report is consistent while a writer writes as fast as it can."""

import asyncio
import itertools
import time

import pytest

from support.api import Api
from support.events import DAY, called, failed, planned, postponed
from support.report_laws import holds_together
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")

POLLERS = 200
CHANGES_SEEN = 3
"""Different reports that every poller must have seen before the writer stops."""

WITHIN_S = 60.0


async def write_at_full_speed(writer: Writer, seen: list[int]) -> int:
    """Write until every poller has seen enough; returns how many tasks were planned."""
    numbers = itertools.count()
    gives_up = time.monotonic() + WITHIN_S
    while min(seen) < CHANGES_SEEN:
        assert time.monotonic() < gives_up, f"after {WITHIN_S} s a poller saw {min(seen)} reports"
        events = []
        for number in itertools.islice(numbers, 20):
            task, operator = f"T{number}", f"op-{number % 7}"
            due = f"{DAY}T{11 + number % 3}:00:00+03:00"
            events.append(planned(task, operator=operator, due_at=due))
            match number % 5:
                case 0:
                    events.append(called(task, "ordered", operator=f"op-{number % 3}"))
                case 1:
                    events.append(failed(task, "refused"))
                case 2:
                    events.append(postponed(task, "2026-11-26"))
                case 3:
                    events.append(failed(task, "address_drop"))
                case _:
                    events.append(called(task))
        await writer.write(events)
        await writer.sample()
    return next(numbers)


async def poll(api: Api, is_over: asyncio.Event, seen: list[int], me: int) -> None:
    last, etag = "", ""
    while not is_over.is_set():
        answer = await api.raw("/report", {"If-None-Match": etag}, date=DAY)
        as_of = answer.headers["obzvon-as-of"]  # of one length and offset: sorts as text
        assert as_of >= last, "what a caller sees never goes back"
        last, etag = as_of, answer.headers["etag"]
        if answer.status_code == 200:
            seen[me] += 1
            holds_together(answer.json())
        await asyncio.sleep(0)


async def test_every_report_is_consistent_while_a_writer_writes(writer: Writer, api: Api) -> None:
    await api.up_to_date()
    is_over = asyncio.Event()
    seen = [0] * POLLERS
    pollers = [asyncio.create_task(poll(api, is_over, seen, me)) for me in range(POLLERS)]

    planned_tasks = await write_at_full_speed(writer, seen)
    is_over.set()
    await asyncio.gather(*pollers)
    await api.up_to_date()
    last = await api.get("/report", date=DAY)

    assert last["totals"]["planned"] == planned_tasks
    holds_together(last)
