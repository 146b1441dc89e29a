"""The sum of rows is the report's figure at their version, while a writer writes as fast as it can."""

import asyncio
import itertools
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, NamedTuple

import pytest
import redis.asyncio

from query_api.report.row_query import COUNTER_NAMES
from support.api import Api
from support.events import DAY, called, failed, planned, postponed
from support.issuer import Issuer
from support.report_laws import figure
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")

COUNTERS = sorted(set(COUNTER_NAMES.values()))
WITHIN_S = 60.0
ROWS_POLLERS = 8
PAIRS = 200
"""Answers with rows that have met a report of their version before the writer stops."""

SHARE = 0.2
"""At least this part of all answers with rows must have met one."""

DATES: list[dict[str, str]] = [
    {"date": DAY},
    {"date": "2026-11-25"},
    {"date_from": "2026-11-23", "date_to": "2026-11-26"},
]
FILTERS: list[dict[str, str]] = [
    {},
    {"operator_id": "op-1"},
    {"operator_id": ""},
    {"manager_id": "mgr-1"},
    {"plan_date": "none", "operator_id": "op-2"},
]
RESTRICTIONS: list[dict[str, Any]] = [
    {},
    {"obzvon_operators": ["op-1", "op-3"]},
    {"obzvon_managers": ["mgr-2"]},
]


class Question(NamedTuple):
    """What is asked of /report and /contacts, and by whom."""

    parameters: tuple[tuple[str, str], ...]
    token: str


def events_of(number: int) -> list[dict[str, Any]]:
    task, operator = f"T{number}", f"op-{number % 5}" if number % 5 else None
    events = [
        planned(
            task,
            date=(DAY, DAY, "2026-11-25", "2026-11-23")[number % 4],
            operator=operator,
            manager=f"mgr-{number % 3}",
            plan_date=None if number % 2 else "2026-11-25",
            due_at=f"{DAY}T{11 + number % 3}:00:00+03:00",
        )
    ]
    match number % 6:
        case 0:
            events.append(called(task, "ordered", operator=f"op-{number % 3}"))
        case 1:
            events.append(failed(task, "refused"))
        case 2:
            events.append(postponed(task, "2026-11-26"))
        case 3:
            events.append(failed(task, "address_drop"))
        case _:
            events.append(called(task, "refused", operator="op-1"))
    return events


@contextmanager
def writing_at_full_speed(redis_url: str) -> Iterator[None]:
    """Meanwhile a thread of its own writes, every write at once after the one before."""
    is_over = threading.Event()

    async def write() -> None:
        client = redis.asyncio.from_url(redis_url)
        writer = Writer(client)
        await writer.claim()
        for number in itertools.count():
            if is_over.is_set():
                break
            await writer.write(events_of(number))
        await client.aclose()

    with ThreadPoolExecutor() as thread:
        writing = thread.submit(asyncio.run, write())
        try:
            yield
        finally:
            is_over.set()
        writing.result()


class Met:
    """Which answers there were: reports by their ETags, and rows by their versions."""

    def __init__(self) -> None:
        self.figures: dict[tuple[Question, str], dict[str, Any]] = {}
        self.sums: list[tuple[Question, str, str, int]] = []
        self.is_over = False

    def pairs(self) -> list[tuple[int, int, str]]:
        """Figure, sum and counter of all rows whose version was also seen as a report."""
        return [
            (figure(totals, counter), total, counter)
            for question, version, counter, total in self.sums
            if (totals := self.figures.get((question, version))) is not None
        ]

    def has_all_counters(self) -> bool:
        return {counter for *_, counter in self.pairs()} == set(COUNTERS)


async def poll_reports(api: Api, question: Question, met: Met) -> None:
    headers = {"Authorization": f"Bearer {question.token}"}
    while not met.is_over:
        changed = api.state.mirror.changed
        answer = await api.raw("/report", headers, **dict(question.parameters))
        assert answer.status_code == 200, answer.text
        met.figures[question, answer.headers["etag"]] = answer.json()["totals"]
        await changed.wait()


async def poll_rows(api: Api, questions: list[Question], met: Met) -> None:
    for number in itertools.count():
        if met.is_over:
            break
        question, counter = questions[number % len(questions)], COUNTERS[number % len(COUNTERS)]
        headers = {"Authorization": f"Bearer {question.token}"}
        asked = {**dict(question.parameters), "counter": counter, "limit": "1"}
        answer = await api.raw("/contacts", headers, **asked)
        assert answer.status_code == 200, answer.text
        page = answer.json()
        met.sums.append((question, page["version"], counter, page["sum"]))


@pytest.mark.parametrize("restriction", RESTRICTIONS, ids=str)
async def test_sum_is_the_figure_at_the_version_while_a_writer_writes(
    restriction: dict[str, Any], redis_url: str, api: Api, issuer: Issuer
) -> None:
    token = issuer.token("head", **restriction)
    questions = [
        Question(tuple({**dates, **filters}.items()), token)
        for dates in DATES
        for filters in FILTERS
    ]
    await api.up_to_date()
    met = Met()
    with writing_at_full_speed(redis_url):
        polling = [
            *(asyncio.create_task(poll_reports(api, one, met)) for one in questions),
            *(asyncio.create_task(poll_rows(api, questions, met)) for _ in range(ROWS_POLLERS)),
        ]
        gives_up = time.monotonic() + WITHIN_S
        while len(met.pairs()) < PAIRS or not met.has_all_counters():
            done, _ = await asyncio.wait(polling, timeout=0.2, return_when=asyncio.FIRST_COMPLETED)
            assert not done, [one.exception() for one in done]
            assert time.monotonic() < gives_up, f"{len(met.pairs())} pairs after {WITHIN_S} s"
        met.is_over = True
        await asyncio.gather(*polling)

    pairs = met.pairs()
    assert [pair for pair in pairs if pair[0] != pair[1]] == []
    assert len(pairs) >= SHARE * len(met.sums), f"{len(pairs)} of {len(met.sums)}"
    assert len({figures["planned"] for figures in met.figures.values()}) > 20, "the figures moved"
