"""The API as a process, and clients that poll it and report every answer that must not occur.

What is wrong is collected, not raised, so that a test shows all of it. Every answer must be a 200
that adds up, and as of no earlier moment than the one before it. What is known of the load that
only grows bounds its figures from both sides: an answer as of some moment shows at least what
Kafka had acknowledged by then, and at most what was sent before the answer came. So a figure that
goes back without a cause, or a report of two generations, shows however it comes about.
"""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx

from chaos.growing import Growing
from chaos.histories import ZONE
from chaos.projectors import Deployment
from support.issuer import running_issuer
from support.processes import api_process
from support.report_laws import holds_together
from support.waiting import until

PAUSE_S = 0.2
"""Seconds between two requests of a client."""

Answer = dict[str, Any]


@dataclass
class Reader:
    """One client: when it was answered, and what it saw last."""

    name: str
    at: list[float] = field(default_factory=list)
    """Seconds since 1970, of each answer."""
    wrong: list[str] = field(default_factory=list)
    oldest_s: float = 0.0
    """How old the least fresh answer was when it came."""
    as_of: str = ""
    figures: dict[str, tuple[int, int]] = field(default_factory=dict)
    """Of the load that only grows: operator → (planned, calls), as last seen."""

    def complain(self, what: str) -> None:
        self.wrong.append(f"{datetime.now(ZONE):%H:%M:%S.%f} {self.name}: {what}")

    def take(self, answer: Answer) -> bool:
        """Note the response and how fresh it is; returns False if its freshness is unknown."""
        now = time.time()
        self.at.append(now)
        as_of = answer["as_of"]  # of one length and offset: sorts as text
        if as_of is None:
            self.complain("as of no moment")
            return False
        if as_of < self.as_of:
            self.complain(f"as of {as_of}, after an answer as of {self.as_of}")
        if answer.get("stale"):
            self.complain(f"stale: {answer['stale_reason']}")
        self.as_of = as_of
        self.oldest_s = max(self.oldest_s, now - datetime.fromisoformat(as_of).timestamp())
        return True

    def take_report(self, report: Answer) -> None:
        if not self.take(report):
            return
        try:
            holds_together(report)
        except AssertionError as error:
            self.complain(f"does not add up: {error}")
        if not report["operators"]:
            self.complain("empty")

    def take_growing(self, report: Answer, growing: Growing) -> None:
        """A report of the far date."""
        self.take_report(report)
        lines = [*report["operators"], {**report["totals"], "operator": {"id": "all"}}]
        for line in lines:
            who, now = line["operator"]["id"], (line["planned"], line["calls"])
            before = self.figures.get(who, (0, 0))
            if now[0] < before[0] or now[1] < before[1]:
                self.complain(f"{who} went back from {before} to {now}")
        self.figures = {line["operator"]["id"]: (line["planned"], line["calls"]) for line in lines}
        self.bounded(self.figures["all"], report["as_of"], growing)

    def bounded(self, shown: tuple[int, int], as_of: str, growing: Growing) -> None:
        least = growing.least(datetime.fromisoformat(as_of))
        if shown[0] < least[0] or shown[1] < least[1]:
            self.complain(f"shows {shown} as of {as_of}, by when Kafka had {least}")
        if shown[0] > growing.plans or shown[1] > growing.calls:
            self.complain(f"shows {shown}, only {growing.plans, growing.calls} were sent")

    def take_rows(self, page: Answer, growing: Growing) -> None:
        """A page of the contacts behind `planned` of the far date."""
        if not self.take(page):
            return
        if len(page["items"]) != min(page["total"], 50) or not page["items"]:
            self.complain(f"{len(page['items'])} rows of {page['total']}")
        if any(row["contribution"] != 1 for row in page["items"]):
            self.complain("a row that does not count once")
        total = page["total"]
        self.bounded((total, growing.calls), page["as_of"], growing)
        if total < self.figures.get("rows", (0, 0))[0]:
            self.complain(f"went back from {self.figures['rows'][0]} to {total} rows")
        self.figures["rows"] = (total, 0)


class Readers:
    """Clients of one API, each with a connection and a memory of its own."""

    def __init__(self, client: httpx.AsyncClient, growing: Growing) -> None:
        self._client = client
        self._growing = growing
        self._is_over = False
        self.readers: list[Reader] = []
        self.generations: list[tuple[float, str]] = []
        """(seconds since 1970, the generation the API read then)."""

    # --- what was seen ----------------------------------------------------------------------------

    @property
    def wrong(self) -> list[str]:
        return [what for reader in self.readers for what in reader.wrong]

    @property
    def answers(self) -> int:
        return sum(len(reader.at) for reader in self.readers)

    @property
    def oldest_s(self) -> float:
        return max(reader.oldest_s for reader in self.readers)

    def shows(self, generation: str) -> bool:
        return bool(self.generations) and self.generations[-1][1] == generation

    async def are_fresh(self) -> bool:
        """Whether the API can read Redis, and says that its report is up to date."""
        answer = await self._client.get("/api/v1/report")
        return answer.status_code == 200 and not answer.json()["stale"]

    def before_and_after(self, old: str, new: str) -> list[tuple[int, int]]:
        """Returns how many responses of each reader were certainly of the old and of the new generation."""
        last = max(at for at, generation in self.generations if generation == old)
        first = min(at for at, generation in self.generations if generation == new)
        return [
            (sum(at < last for at in reader.at), sum(at > first for at in reader.at))
            for reader in self.readers
        ]

    # --- clients ----------------------------------------------------------------------------------

    async def is_served(self) -> bool:
        """Whether the API knows of both loads, so that an empty answer is wrong from now on."""
        growing = {"date": self._growing.day}
        try:
            reports = [
                await self._client.get("/api/v1/report", params=asked) for asked in ({}, growing)
            ]
        except httpx.HTTPError:
            return False
        return all(one.status_code == 200 and one.json()["operators"] for one in reports)

    def clients(self) -> list[Coroutine[Any, Any, None]]:
        today = datetime.now(ZONE).date()
        days = [(today + timedelta(days=away)).isoformat() for away in (-1, 1)]
        far = {"date": self._growing.day}
        rows = {**far, "counter": "planned", "limit": 50, "sort": "-due_at"}
        return [
            self._polls("today", "/report", {}, Reader.take_report),
            self._polls("today, too", "/report", {}, Reader.take_report),
            *(self._polls(day, "/report", {"date": day}, Reader.take_report) for day in days),
            self._polls(
                "range", "/report", {"date_from": days[0], "date_to": days[1]}, Reader.take_report
            ),
            self._polls("far", "/report", far, self._growing_report),
            self._polls("far, too", "/report", far, self._growing_report),
            self._polls("rows", "/contacts", rows, self._growing_rows),
            self._polls(
                "rows of today",
                "/contacts",
                {"counter": "calls", "operator_id": "op-1"},
                Reader.take,
            ),
            self._listens("stream of today", {}, Reader.take_report),
            self._listens("stream of far", far, self._growing_report),
            self._watches(),
        ]

    def stop(self) -> None:
        self._is_over = True

    def _growing_report(self, reader: Reader, report: Answer) -> None:
        reader.take_growing(report, self._growing)

    def _growing_rows(self, reader: Reader, page: Answer) -> None:
        reader.take_rows(page, self._growing)

    def _reader(self, name: str) -> Reader:
        self.readers.append(Reader(name))
        return self.readers[-1]

    async def _polls(
        self,
        name: str,
        path: str,
        asked: dict[str, Any],
        take: Callable[[Reader, Answer], object],
    ) -> None:
        reader = self._reader(name)
        while not self._is_over:
            try:
                answer = await self._client.get(f"/api/v1{path}", params=asked)
            except httpx.HTTPError as error:
                reader.complain(f"no answer: {error!r}")
            else:
                if answer.status_code == 200:
                    take(reader, answer.json())
                else:
                    reader.complain(f"{answer.status_code}: {answer.text[:300]}")
            await asyncio.sleep(PAUSE_S)

    async def _listens(
        self, name: str, asked: dict[str, Any], take: Callable[[Reader, Answer], object]
    ) -> None:
        reader = self._reader(name)
        event = ""
        async with self._client.stream("GET", "/api/v1/stream", params=asked) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("event: "):
                    event = line.removeprefix("event: ")
                if line.startswith("data: "):
                    told = json.loads(line.removeprefix("data: "))
                    (take if event == "report" else Reader.take)(reader, told)
                if self._is_over:
                    return
        reader.complain("the stream ended")

    async def _watches(self) -> None:
        """Record which generation the API reads."""
        while not self._is_over:
            answer = await self._client.get("/readyz")
            self.generations.append((time.time(), answer.json().get("generation", "none")))
            await asyncio.sleep(PAUSE_S / 3)


@asynccontextmanager
async def served_api(deployment: Deployment) -> AsyncIterator[httpx.AsyncClient]:
    """`python -m query_api`, and a client that may read everything; it may not listen yet."""
    env = deployment.environment(OBZVON_RATE_LIMIT="none")
    async with (
        running_issuer() as issuer,
        api_process(issuer, deployment.folder, env, token_s=3_600) as (_, client),
    ):
        yield client


@asynccontextmanager
async def reading(deployment: Deployment, growing: Growing) -> AsyncIterator[Readers]:
    """Clients that read while the context lasts, from an API that knows of both loads."""
    async with served_api(deployment) as client:
        readers = Readers(client, growing)
        await until(readers.is_served, within_s=60.0, every_s=0.1)
        async with asyncio.TaskGroup() as tasks:
            for work in readers.clients():
                tasks.create_task(work)
            try:
                yield readers
            finally:
                readers.stop()
