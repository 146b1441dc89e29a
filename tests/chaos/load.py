"""Sends events at a steady rate and records which of them were acknowledged."""

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from pydantic_core import to_json

from chaos.histories import (
    MANAGERS,
    OPERATORS,
    histories,
    shuffled,
)
from chaos.independent import Event
from support.waiting import until

RATE = 2_500
"""Events a second to aim at, so that 2,000 are certainly reached."""


TURN_S = 0.05


BURST = 2_000
"""Events sent at once at most, when the load has fallen behind."""


BATCH = 400
"""Events of one batch at most, which then stays below the producer's `max_batch_size`."""


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
        """`keeps` what it sends, for the comparison; a long load should not."""
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
        """Let `run` finish; cancelling it would lose events that count as sent."""
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
        """Returns the next events by partition, in few batches: a tenth of the work of single ones."""
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
        """Called when Kafka has acknowledged these; loads may override it."""

    async def _send_again(self, bootstrap: str, topic: str) -> None:
        """Send again what a broker has refused, as a publisher must; it may have stored it."""
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
    """The same with a given load."""
    task = asyncio.create_task(load.run(bootstrap, topic))
    try:
        await until(lambda: load.sent or task.done(), within_s=60.0)
        yield load
    finally:
        load.stop()
        await task
