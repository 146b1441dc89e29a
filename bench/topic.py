"""Fills a topic for the benchmarks, quickly: tasks of a few events and one contact each.

The events are written from templates and sent in ready batches, so that filling takes as little
of the machine as may be. Memory grows by two bytes a task.

    python bench/topic.py 127.0.0.1:9092 task-events 20000
"""

import argparse
import asyncio
import json
import time
from array import array
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from math import gcd
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from contracts.events import STRUCTURED_CONTENT_TYPE
from devkit.simulator import names

Record = tuple[bytes, int, int, bytes]
"""(key, partition, timestamp in milliseconds, value)."""

BATCH_BYTES = 512 * 1024
"""Below the 1 MiB that a broker accepts by default."""

IN_FLIGHT_PER_PARTITION = 2

MANAGERS = 10

TEXTS = 5_000
"""Different names of clients and texts of addresses; their ids are the tasks' own."""

CALLS_BEGIN_S, CALLS_END_S = 9 * 3_600, 20 * 3_600

HEADERS = [("content-type", STRUCTURED_CONTENT_TYPE.encode())]

OFFSET = timedelta(hours=3)
"""Times are those of Moscow."""

HOURS = [f"{s // 3600:02}:{s // 60 % 60:02}:{s % 60:02}" for s in range(24 * 3_600)]
"""The time of day for each second of it."""


async def fill(
    bootstrap: str,
    topic: str,
    tasks: int,
    operators: int = 200,
    date: date | None = None,
    events_per_task: int = 5,
    *,
    days: int = 1,
    prefix: str = "bench",
) -> int:
    """Publish the events of so many tasks, acknowledged; returns how many events that were.

    The contacts are dated `date` (today if None) or, with more `days`, in equal shares on as many
    dates up to it. The same arguments give the same events, which change nothing when they are
    published again; another prefix gives other tasks.

    A record bears its event's time, or now if that is yet to come.
    """
    producer = AIOKafkaProducer(
        bootstrap_servers=bootstrap,
        enable_idempotence=True,
        acks="all",
        max_batch_size=BATCH_BYTES,
        max_request_size=2 * BATCH_BYTES,
    )
    await producer.start()
    try:
        partitions = len(await producer.partitions_for(topic))
        batches = [producer.create_batch() for _ in range(partitions)]
        sent: list[list[asyncio.Future[Any]]] = [[] for _ in range(partitions)]

        async def send(partition: int) -> None:
            under_way = sent[partition]
            if len(under_way) >= IN_FLIGHT_PER_PARTITION:
                await under_way.pop(0)
            under_way.append(
                await producer.send_batch(batches[partition], topic, partition=partition)
            )
            batches[partition] = producer.create_batch()

        count = 0
        now = int(time.time() * 1000)
        for key, partition, milliseconds, value in records_of(
            tasks,
            operators,
            date or datetime.now(UTC).date(),
            events_per_task,
            days,
            prefix,
            partitions,
        ):
            timestamp = min(milliseconds, now)
            if not batches[partition].append(
                key=key, value=value, timestamp=timestamp, headers=HEADERS
            ):
                await send(partition)
                batches[partition].append(
                    key=key, value=value, timestamp=timestamp, headers=HEADERS
                )
            count += 1
        for partition, batch in enumerate(batches):
            if batch.record_count():
                await send(partition)
        for under_way in sent:
            for future in under_way:
                await future
        return count
    finally:
        await producer.stop()


def records_of(
    tasks: int,
    operators: int,
    last: date,
    events_per_task: int,
    days: int,
    prefix: str,
    partitions: int,
) -> Iterator[Record]:
    """For each date the plans of the evening before, then the rest."""
    for back in reversed(range(days)):
        done = days - 1 - back
        first, end = tasks * done // days, tasks * (done + 1) // days
        day = Day(last - timedelta(days=back), prefix, operators, events_per_task)
        yield from _day_records(day, first, end - first, partitions)


def _day_records(day: "Day", first: int, tasks: int, partitions: int) -> Iterator[Record]:
    """The records of one date. The events of a task are a twelfth of the day apart."""
    partition_of = array("H", bytes(2 * tasks))
    for at in range(tasks):
        key = day.key(first + at)
        partition_of[at] = (murmur2(key) & 0x7FFFFFFF) % partitions
        second = 18 * 3_600 + at * 3_600 // tasks
        yield (
            key,
            partition_of[at],
            day.evening_ms + second * 1_000,
            day.planned(first + at, second),
        )
    stride = _stride(tasks)
    lag = max(1, tasks // 12)
    rounds = day.events - 1
    steps = tasks + rounds * lag
    for step in range(lag, steps + 1):
        second = CALLS_BEGIN_S + (CALLS_END_S - CALLS_BEGIN_S) * step // (steps + 1)
        for nth in range(1, rounds + 1):
            turn = step - nth * lag
            if 0 <= turn < tasks:
                at = turn * stride % tasks
                value = day.later(first + at, nth, second)
                yield day.key(first + at), partition_of[at], day.morning_ms + second * 1_000, value


class Day:
    """Writes the events of one contact date, from templates."""

    def __init__(self, on: date, prefix: str, operators: int, events_per_task: int) -> None:
        self.on = on.isoformat()
        self.evening = (on - timedelta(days=1)).isoformat()
        self.delivery = (on + timedelta(days=1)).isoformat()
        self.events = events_per_task
        midnight = datetime(on.year, on.month, on.day, tzinfo=UTC) - OFFSET
        self.morning_ms = int(midnight.timestamp() * 1_000)
        self.evening_ms = self.morning_ms - 24 * 3_600 * 1_000
        self.prefix = prefix
        self.operators = [_json(names.operator(number + 1)) for number in range(operators)]
        self.managers = [_json(names.manager(number + 1)) for number in range(MANAGERS)]
        self.clients = [_json(names.client(number)["name"]) for number in range(TEXTS)]
        self.addresses = [_json(names.address(number)["text"]) for number in range(TEXTS)]

    def key(self, task: int) -> bytes:
        return f"{self.prefix}-{task:07}".encode()

    def planned(self, task: int, second: int) -> bytes:
        due = f',"due_at":"{self.on}T{11 + task % 8}:30:00+03:00"' if task % 8 == 0 else ""
        return self._event(
            task,
            0,
            "planned",
            self.evening,
            second,
            f'{{"operator":{self.operators[task % len(self.operators)]},'
            f'"manager":{self.managers[task % MANAGERS]},'
            f'"client":{{"id":"client-{task:07}","name":{self.clients[task % TEXTS]}}},'
            f'"address":{{"id":"addr-{task:07}","text":{self.addresses[task % TEXTS]}}},'
            f'"contact_date":"{self.on}","plan_date":"{self.delivery}"{due},"origin":"forecast"}}',
        )

    def later(self, task: int, nth: int, second: int) -> bytes:
        """The task's nth event after its plan: calls, and from three events on one to end with.

        Of 20 tasks 8 end delivered, 4 postponed within the day, 4 refused, 2 without contact
        and 2 with a dropped address.
        """
        fate = task % 20
        last_call = max(1, self.events - 2)
        if nth > last_call:
            return self._event(task, nth, *self._ending(task, fate, last_call, second))
        outcome, order = "no_answer", ""
        if nth == last_call:
            if fate < 8:
                outcome = "ordered"
                order = f',"order":{{"id":"order-{self.prefix}-{task:07}","number":"{task:07}"}}'
            elif fate < 12:
                outcome = "answered"
            elif fate < 16:
                outcome = "refused"
        return self._event(
            task,
            nth,
            "called",
            self.on,
            second,
            f'{{"call_id":"call-{self.prefix}-{task:07}-{nth}","outcome":"{outcome}",'
            f'"operator":{self.operators[task % len(self.operators)]},'
            f'"duration_s":{20 + (task * 7 + nth) % 300}{order}}}',
        )

    def _ending(
        self, task: int, fate: int, last_call: int, second: int
    ) -> tuple[str, str, int, str]:
        if fate < 8:
            data = (
                f'{{"order_id":"order-{self.prefix}-{task:07}",'
                f'"delivered_at":"{self.on}T{HOURS[second]}+03:00"}}'
            )
            return "delivered", self.on, second, data
        if fate < 12:
            data = (
                f'{{"contact_date":"{self.on}","comment":"На совещании, перезвонить позже",'
                f'"due_at":"{self.on}T20:{task % 60:02}:00+03:00"}}'
            )
            return "postponed", self.on, second, data
        if fate < 16:
            data = (
                '{"reason":"refused","comment":"Перешли к другому поставщику",'
                f'"call_id":"call-{self.prefix}-{task:07}-{last_call}"}}'
            )
        elif fate < 18:
            data = '{"reason":"no_contact","comment":"Не дозвонились"}'
        else:
            data = '{"reason":"address_drop","comment":"По адресу другая организация"}'
        return "failed", self.on, second, data

    def _event(self, task: int, nth: int, kind: str, day: str, second: int, data: str) -> bytes:
        return (
            f'{{"specversion":"1.0","id":"{self.prefix}-{task:07}-{nth}","source":"/bench",'
            f'"type":"task-{kind}.v1","subject":"{self.prefix}-{task:07}",'
            f'"time":"{day}T{HOURS[second]}+03:00","datacontenttype":"application/json",'
            f'"data":{data}}}'
        ).encode()


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _stride(tasks: int) -> int:
    """Returns a step that visits every task once, each far from the one before."""
    stride = int(tasks * 0.618) or 1
    while gcd(stride, tasks) > 1:
        stride += 1
    return stride


def main() -> None:
    parser = argparse.ArgumentParser(description="Fill a topic with tasks for a benchmark")
    parser.add_argument("bootstrap")
    parser.add_argument("topic")
    parser.add_argument("tasks", type=int)
    parser.add_argument("--operators", type=int, default=200)
    parser.add_argument("--date", type=date.fromisoformat, default=None)
    parser.add_argument("--events-per-task", type=int, default=5)
    parser.add_argument("--days", type=int, default=1)
    given = parser.parse_args()
    began = time.perf_counter()
    count = asyncio.run(
        fill(
            given.bootstrap,
            given.topic,
            given.tasks,
            given.operators,
            given.date,
            given.events_per_task,
            days=given.days,
        )
    )
    seconds = time.perf_counter() - began
    print(f"{count} events in {seconds:.1f} s: {count / seconds:,.0f} a second")


if __name__ == "__main__":
    main()
