"""Events at a steady rate: random lawful histories of many tasks, shuffled, some sent twice."""

import asyncio
import random
import time
from bisect import bisect
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from functools import partial
from itertools import count
from operator import itemgetter
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from pydantic_core import to_json

from chaos.independent import Event
from support.events import cloud_event
from support.waiting import until

RATE = 2_500
"""Events a second that are aimed at, so that 2,000 are surely reached."""

SHUFFLED = 2_000
"""Events among which the next one is drawn: how far out of order they come."""

SENT_TWICE = 0.03

TURN_S = 0.05

BURST = 2_000
"""Events sent at once at most, when the load has fallen behind."""

BATCH = 400
"""Events of one batch at most, which then stays below the producer's `max_batch_size`."""

ZONE = ZoneInfo("Europe/Moscow")

OPERATORS, MANAGERS, ADDRESSES = 40, 6, 5_000


def report_days() -> list[str]:
    """The contact dates that a load begun now is about, and one beyond."""
    today = datetime.now(ZONE).date()
    return [(today + timedelta(days=away)).isoformat() for away in range(-3, 5)]


def histories(seed: int, operators: int, managers: int) -> Iterator[Event]:
    """Events without end, one task's after another's, each task's in the order of their times."""
    dice = random.Random(seed)
    today = datetime.now(ZONE).date()
    for number in count():
        yield from _history(dice, f"{seed}-{number}", today, operators, managers)


def _history(
    dice: random.Random, task: str, today: date, operators: int, managers: int
) -> Iterator[Event]:
    numbers = count()
    moment = datetime(today.year, today.month, today.day, 7, tzinfo=ZONE)
    moment += timedelta(days=dice.randint(-3, 0), seconds=dice.randrange(3_600))
    latest = moment.date()

    def event(kind: str, data: dict[str, Any]) -> Event:
        nonlocal moment
        moment += timedelta(milliseconds=dice.choice((0, 1_000, 1_500, 600_000, 3_000_000)))
        source = dice.choice(("/crm", "/телефония"))
        id_ = f"{task}-{next(numbers)}"
        return cloud_event(kind, task, moment.isoformat(), data, id=id_, source=source)

    def operator() -> dict[str, str] | None:
        number = dice.randrange(operators + 1)
        return {"id": f"op-{number}", "name": f"Оператор {number}"} if number else None

    def due(day: date) -> str | None:
        hour = dice.choice((None, None, 11, 16))
        return None if hour is None else f"{day}T{hour}:{dice.choice((10, 25, 40, 55))}:30+03:00"

    def planned() -> Event:
        nonlocal latest
        latest = moment.date() + timedelta(days=dice.choice((0, 0, 0, 1, 2)))
        manager, address = dice.randrange(managers), dice.randrange(ADDRESSES)
        data = {
            "client": {"id": f"c-{address}", "name": f"ООО Клиент {address}"},
            "address": {"id": f"a-{address}", "text": f"г. Казань, дом {address}"},
            "contact_date": latest.isoformat(),
            "operator": operator(),
            "manager": {"id": f"m-{manager}", "name": f"Менеджер {manager}"},
            "plan_date": (latest + timedelta(days=1)).isoformat(),
            "due_at": due(latest),
        }
        return event("planned", data)

    def called(call: int) -> Event:
        outcome = dice.choice(("ordered", "ordered", "answered", "no_answer", "busy", "refused"))
        data: dict[str, Any] = {"call_id": f"{task}-k{call}", "outcome": outcome}
        data["operator"] = dice.choice((None, operator()))
        if outcome == "ordered":
            data["order"] = {"id": f"{task}-o{call}", "number": str(call)}
        return event("called", data)

    def postponed() -> Event:
        nonlocal latest
        latest += timedelta(days=dice.choice((0, 0, 1)))
        data = {"contact_date": latest.isoformat(), "comment": "позже", "due_at": due(latest)}
        return event("postponed", {**data, "operator": dice.choice((None, operator()))})

    def failed() -> Event:
        reason = dice.choice(("no_contact", "refused", "address_drop", "address_closed"))
        call_id = dice.choice((None, f"{task}-k{dice.randrange(3)}"))
        return event("failed", {"reason": reason, "comment": "дорого", "call_id": call_id})

    def delivered() -> Event:
        order = f"{task}-o{dice.randrange(3)}"
        return event("delivered", {"order_id": order, "delivered_at": moment.isoformat()})

    if dice.random() > 0.01:  # else nobody plans it
        yield planned()
    for call in range(dice.randint(0, 3)):
        yield called(call)
    for _ in range(dice.randint(0, 3)):
        kind = dice.choice((postponed, postponed, failed, delivered, planned))
        yield kind()
        if dice.random() < 0.3:  # perhaps a correction
            yield called(dice.randrange(3))


def shuffled(events: Iterator[Event], dice: random.Random) -> Iterator[Event]:
    """The events out of order, a few of them twice."""
    waiting: list[Event] = []
    for event in events:
        waiting.append(event)
        if dice.random() < SENT_TWICE:
            waiting.append(event)
        while len(waiting) > SHUFFLED:
            at = dice.randrange(len(waiting))
            waiting[at], waiting[-1] = waiting[-1], waiting[at]
            yield waiting.pop()


class Load:
    """What was sent, and how fast."""

    def __init__(
        self,
        seed: int,
        rate: int = RATE,
        *,
        keeps: bool = True,
        operators: int = OPERATORS,
        managers: int = MANAGERS,
    ) -> None:
        """`keeps` what it sends, for the comparison; a long one had better not."""
        self.seed = seed
        self.sent = 0
        self.sent_again = 0
        """Events that a broker did not acknowledge at first."""
        self._unsent: list[Event] = []
        self._is_stopped = False
        self._keeps = keeps
        self.events: list[Event] = []
        """Every event sent, in order, repeats included. All were acknowledged at the end."""
        self.seconds = 0.0
        self._marks: list[tuple[float, int]] = [(0.0, 0)]
        """(second, events sent by then)."""
        self._rate = rate
        self._dice = random.Random(seed)
        self._next = shuffled(histories(seed, operators, managers), self._dice)

    @property
    def rate(self) -> float:
        """Events a second that were sent."""
        return self.sent / self.seconds

    def slowest(self, stretch_s: float = 5.0) -> float:
        """Events a second in the slowest stretch of so many seconds."""
        rates = [self.rate]
        at = 0
        for second, sent in self._marks:
            while self._marks[at + 1][0] <= second - stretch_s:
                at += 1
            before, sent_before = self._marks[at]
            if second - before >= stretch_s:
                rates.append((sent - sent_before) / (second - before))
        return min(rates)

    def take(self, number: int) -> list[Event]:
        """The next events, counted as sent."""
        taken = [next(self._next) for _ in range(number)]
        self.sent += number
        if self._keeps:
            self.events += taken
        return taken

    def stop(self) -> None:
        """Let `run` come to its end; cancelling it would leave events behind that count as sent."""
        self._is_stopped = True

    async def run(self, bootstrap: str, topic: str, most: int | None = None) -> None:
        """Send until stopped, or until so many are sent; then wait for all acknowledgements."""
        producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap,
            enable_idempotence=True,
            acks="all",
            max_batch_size=512 * 1024,
            request_timeout_ms=120_000,
        )
        await producer.start()
        partitions = len(await producer.partitions_for(topic))
        started = time.monotonic()
        under_way: set[asyncio.Future[Any]] = set()
        sent = 0
        try:
            while not self._is_stopped and (most is None or sent < most):
                self.seconds = time.monotonic() - started
                wanted = min(int(self.seconds * self._rate) - sent, BURST)
                for partition, events in self._by_partition(max(0, wanted), partitions):
                    batch = _batch(producer, events)
                    future = await producer.send_batch(batch, topic, partition=partition)
                    under_way.add(future)
                    future.add_done_callback(under_way.discard)
                    future.add_done_callback(partial(self._note, events))
                sent += max(0, wanted)
                self._marks.append((self.seconds, sent))
                await asyncio.sleep(TURN_S)
        finally:
            self.seconds = time.monotonic() - started
            await asyncio.gather(*under_way, return_exceptions=True)
            await producer.stop()
            await self._send_again(bootstrap, topic)

    def _by_partition(self, number: int, partitions: int) -> list[tuple[int, list[Event]]]:
        """The next events, to be sent in few batches: a tenth of the work of single ones."""
        found: dict[int, list[Event]] = {}
        for event in self.take(number):
            partition = (murmur2(event["subject"].encode()) & 0x7FFFFFFF) % partitions
            found.setdefault(partition, []).append(event)
        return [
            (partition, events[at : at + BATCH])
            for partition, events in found.items()
            for at in range(0, len(events), BATCH)
        ]

    def _note(self, events: list[Event], sent: "asyncio.Future[Any]") -> None:
        if sent.cancelled() or sent.exception() is not None:
            self._unsent += events
        else:
            self.acknowledged(events)

    def acknowledged(self, events: list[Event]) -> None:
        """Called when Kafka has taken these; for loads that want to know."""

    async def _send_again(self, bootstrap: str, topic: str) -> None:
        """What a broker has refused, as a publisher must; perhaps it had taken it, too."""
        producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks="all")
        await producer.start()
        try:
            for event in self._unsent:
                await producer.send_and_wait(
                    topic, key=event["subject"].encode(), value=to_json(event)
                )
            self.sent_again += len(self._unsent)
            self._unsent = []
        finally:
            await producer.stop()


def _batch(producer: AIOKafkaProducer, events: list[Event]) -> Any:
    batch = producer.create_batch()
    now = int(time.time() * 1000)
    for event in events:
        key = event["subject"].encode()
        assert batch.append(key=key, value=to_json(event), timestamp=now)
    return batch


class Growing(Load):
    """Plans and calls of one far date, which only ever adds: what is counted of them cannot shrink.

    So for every moment it is known how many a report as of that moment must show at least, and
    for every answer how many it can show at most.
    """

    def __init__(self, rate: int = 200, operators: int = 7) -> None:
        super().__init__(0, rate)
        self.day = (datetime.now(ZONE).date() + timedelta(days=20)).isoformat()
        self._operators = operators
        self._growing = self._tasks()
        self._acknowledged: list[tuple[float, int, int]] = [(0.0, 0, 0)]
        self.plans = self.calls = 0
        """Sent so far."""

    def _tasks(self) -> Iterator[Event]:
        for number in count():
            task = f"growing-{number}"
            who = {"id": f"own-{number % self._operators}", "name": f"Оператор {number}"}
            plan = {
                "client": {"id": f"c-{number}", "name": f"Клиент {number}"},
                "address": {"id": f"a-own-{number}", "text": f"дом {number}"},
                "contact_date": self.day,
                "operator": who,
            }
            call = {"outcome": "answered", "operator": who}
            yield _event(task, 0, "planned", plan)
            for at in range(1, 3):
                yield _event(task, at, "called", {**call, "call_id": f"{task}-{at}"})

    def take(self, number: int) -> list[Event]:
        taken = [next(self._growing) for _ in range(number)]
        plans = sum(event["type"] == "task-planned.v1" for event in taken)
        self.plans, self.calls = self.plans + plans, self.calls + number - plans
        self.sent += number
        self.events += taken
        return taken

    def acknowledged(self, events: list[Event]) -> None:
        _, plans, calls = self._acknowledged[-1]
        more = sum(event["type"] == "task-planned.v1" for event in events)
        self._acknowledged.append((time.time(), plans + more, calls + len(events) - more))

    def least(self, as_of: datetime) -> tuple[int, int]:
        """(planned, calls) that a report as of that moment must show at least."""
        at = bisect(self._acknowledged, as_of.timestamp(), key=itemgetter(0)) - 1
        return self._acknowledged[at][1:]


def _event(task: str, number: int, kind: str, data: dict[str, Any]) -> Event:
    now = datetime.now(ZONE).isoformat()
    return cloud_event(kind, task, now, data, id=f"{task}-{number}", source="/growing")


AnyLoad = TypeVar("AnyLoad", bound=Load)


@asynccontextmanager
async def under_load(
    bootstrap: str, topic: str, seed: int, rate: int = RATE
) -> AsyncIterator[Load]:
    """A load while the context lasts; every event of it is acknowledged when it is left."""
    async with flowing(Load(seed, rate), bootstrap, topic) as load:
        yield load


@asynccontextmanager
async def flowing(load: AnyLoad, bootstrap: str, topic: str) -> AsyncIterator[AnyLoad]:
    """The same with a load of one's own."""
    task = asyncio.create_task(load.run(bootstrap, topic))
    try:
        await until(lambda: load.sent or task.done(), within_s=60.0)
        yield load
    finally:
        load.stop()
        await task
