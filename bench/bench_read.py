"""Shows that reading does not depend on history, and what a task costs in Redis.

The same date is read with a thousand tasks in Redis, then with a million on ninety dates:

- warm: GET /report when nothing moved
- changed: GET /report right after an event of that date was written
- cold: the first GET /report of an API that has just started

and the bytes of Redis per task are told by part, for tasks of five events and one contact.

    PYTHONPATH=tests python bench/bench_read.py [--tasks 1000000]
"""

import argparse
import statistics
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import date, timedelta
from functools import partial

import uvloop
from aiokafka import ConsumerRecord
from redis.asyncio import Redis

from contracts.keys import NAME_KINDS
from engines import redis_server
from projector.consumer.decode import Found, decode
from projector.fold.facts import Fact
from projector.main import tune_collector
from projector.store.position import Position
from runtime.redis import RedisClient
from support.api import Api, served_api
from support.issuer import running_issuer
from support.writer import Writer
from topic import Record, records_of

TODAY = date(2026, 11, 24)
PARTITIONS = 8
BATCH = 2_000
FEW = 1_000
MEASURED = 20_000
"""Tasks of five events over which the bytes are averaged."""
ROUNDS = 200


async def write(writer: Writer, records: Iterator[Record]) -> int:
    """Fold records into their shards, as the projector does; returns how many that were."""
    waiting: list[dict[str, list[Fact]]] = [{} for _ in writer.shards]
    sizes = [0] * len(writer.shards)
    count = 0

    async def flush(partition: int) -> None:
        shard = writer.shards[partition]
        prepared = await shard.prepare(waiting[partition])
        await shard.commit(prepared, Position(shard.position.offset + sizes[partition]))
        shard.projection.forget_some()
        waiting[partition], sizes[partition] = {}, 0

    for key, partition, timestamp, value in records:
        record = ConsumerRecord("t", partition, 0, timestamp, 0, key, value, None, 0, 0, ())
        verdict = decode(record, PARTITIONS)
        assert isinstance(verdict, Found), verdict
        waiting[partition].setdefault(verdict.task_id, []).append(verdict.fact)
        sizes[partition] += 1
        count += 1
        if sizes[partition] == BATCH:
            await flush(partition)
    for partition in range(len(writer.shards)):
        await flush(partition)
    await writer.sample()
    return count


def day_of(tasks: int, last: date, events: int, days: int, prefix: str) -> Iterator[Record]:
    return records_of(tasks, 200, last, events, days, prefix, PARTITIONS)


async def median_ms(work: Callable[[], Awaitable[object]], rounds: int = ROUNDS) -> float:
    found = []
    for _ in range(rounds):
        started = time.perf_counter()
        await work()
        found.append((time.perf_counter() - started) * 1_000)
    return statistics.median(found)


async def reading(redis_url: str, writer: Writer, prefix: str) -> dict[str, float]:
    """Median milliseconds of a warm, a changed and a cold read of `TODAY`."""
    figures: dict[str, float] = {}
    one_more = day_of(FEW, TODAY, 1, 1, prefix)
    async with running_issuer() as issuer:

        async def first_report() -> None:
            async with served_api(redis_url, issuer) as api:
                await api.report(date=TODAY.isoformat())

        figures["cold start"] = await median_ms(first_report, 5)
        async with served_api(redis_url, issuer) as api:
            await api.up_to_date()
            get = partial(api.raw, "/report", date=TODAY.isoformat())
            await get()
            figures["warm"] = await median_ms(get)
            figures["changed"] = await changed_ms(api, writer, one_more)
    return figures


async def changed_ms(api: Api, writer: Writer, records: Iterator[Record]) -> float:
    """From the write of one event to the answer that counts it, less the write itself."""
    found = []
    for _ in range(50):
        before = (await api.get("/report", date=TODAY.isoformat()))["totals"]["planned"]
        await write(writer, iter([next(records)]))
        started = time.perf_counter()
        while (await api.get("/report", date=TODAY.isoformat()))["totals"]["planned"] == before:
            pass
        found.append((time.perf_counter() - started) * 1_000)
    return statistics.median(found)


async def bytes_by_part(client: RedisClient, tasks: int) -> dict[str, float]:
    """Bytes per task of each part of the shards, by MEMORY USAGE of every key."""
    parts: dict[str, float] = {}
    known = {"docs": "document", "deliveries": "last delivery", "meta": "meta", "seqs": "meta"}
    known |= {f"names:{kind}": "names" for kind in NAME_KINDS}
    async for key in client.scan_iter(match="g1:*", count=1_000):
        name = key.decode().split("}:", 1)[1]
        part = known.get(name) or name.split(":")[0]
        size: int = await client.memory_usage(key, samples=0)
        parts[part] = parts.get(part, 0) + size / tasks
    return parts


async def compare(tasks: int) -> None:
    async with redis_server() as redis_url:
        client: RedisClient = Redis.from_url(redis_url)
        await client.flushall()
        writer = await Writer(client, partitions=PARTITIONS).start()
        empty = (await client.info("memory"))["used_memory"]
        await write(writer, day_of(MEASURED, TODAY, 5, 1, "bytes"))
        print(f"Bytes of Redis per task of five events and one contact ({MEASURED} tasks):")
        parts = await bytes_by_part(client, MEASURED)
        for part, size in sorted(parts.items(), key=lambda one: -one[1]):
            print(f"  {part:14} {size:7.0f}")
        used = ((await client.info("memory"))["used_memory"] - empty) / MEASURED
        print(f"  all parts      {sum(parts.values()):7.0f}   bar 2048; document bar 1024")
        print(f"  used_memory    {used:7.0f}")

        await client.flushall()
        writer = await Writer(client, partitions=PARTITIONS).start()
        await write(writer, day_of(FEW, TODAY, 5, 1, "day"))
        few = await reading(redis_url, writer, "few")
        started = time.perf_counter()
        history = day_of(tasks - FEW, TODAY - timedelta(days=1), 2, 90, "past")
        events = await write(writer, history)
        took = time.perf_counter() - started
        print(f"History: {tasks - FEW} tasks, {events} events on 90 earlier dates, in {took:.0f} s")
        many = await reading(redis_url, writer, "many")
        print(f"GET /report of one date, median ms      {FEW:>9} tasks {tasks:>9} tasks   ratio")
        for name, before in few.items():
            after = many[name]
            print(f"  {name:36} {before:12.2f} {after:15.2f} {after / before:9.2f}")
        await client.aclose()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=1_000_000)
    tune_collector()
    uvloop.run(compare(parser.parse_args().tasks))


if __name__ == "__main__":
    main()
