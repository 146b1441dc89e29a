"""How fast the projector is, compared with what any consumer in Python can reach.

One process each, one after the other, all from the same topic:

(a) plain: aiokafka's consumer, records thrown away
(b) validating: the same, each record decoded and validated as the projector does it
(c) projector: all of it, into Redis
(d) per message: a straightforward FastStream handler: HGET, HSET, three awaited HINCRBY

    python bench/bench_projector.py [--tasks 20000] [--rounds 3]
"""

import argparse
import asyncio
import json
import statistics
import subprocess
import sys
import time
import uuid

import uvloop
from aiokafka import AIOKafkaConsumer, TopicPartition
from redis.asyncio import Redis

from devkit.stack.topics import create_topics
from engines import engines
from topic import fill

PARTITIONS = 8
PER_MESSAGE = 10_000
"""How many records (d) is given: it is an order of magnitude slower, and steady."""


async def consume(bootstrap: str, topic: str, *, validating: bool) -> tuple[int, float]:
    from projector.consumer.decode import decode

    consumer = AIOKafkaConsumer(
        bootstrap_servers=bootstrap,
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 << 20,
    )
    await consumer.start()
    parts = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    consumer.assign(parts)
    await consumer.seek_to_beginning()
    total = sum((await consumer.end_offsets(parts)).values())
    started = time.perf_counter()
    seen = 0
    while seen < total:
        for records in (await consumer.getmany(timeout_ms=100, max_records=4_000)).values():
            seen += len(records)
            if validating:
                for record in records:
                    decode(record, PARTITIONS)
    took = time.perf_counter() - started
    await consumer.stop()
    return seen, took


async def project(bootstrap: str, redis_url: str, topic: str) -> tuple[int, float]:
    from projector.consumer import aiokafka_patch
    from projector.settings import Settings
    from projector.supervisor import Supervisor

    settings = Settings(
        kafka_bootstrap_servers=bootstrap,
        events_topic=topic,
        dead_letter_topic=f"{topic}.dlq",
        redis_url=redis_url,
        group_id=uuid.uuid4().hex,
    )
    client = Redis.from_url(redis_url)
    await client.flushall()
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    parts = [TopicPartition(topic, number) for number in range(PARTITIONS)]
    total = sum((await consumer.end_offsets(parts)).values())
    await consumer.stop()
    aiokafka_patch.install()
    projector = Supervisor(settings)
    started = 0.0
    async with projector.running():
        while True:
            await asyncio.sleep(0.005)
            owned = projector.assignment.partitions.values() if projector.assignment else ()
            seen = sum(max(0, one.offset) for one in owned)
            if not started and any(one.state == "live" for one in owned):
                started = time.perf_counter()
            if seen >= total:
                took = time.perf_counter() - started
                break
    await client.aclose()
    return total, took


async def per_message(bootstrap: str, redis_url: str, topic: str) -> tuple[int, float]:
    from faststream.kafka import KafkaBroker

    client = Redis.from_url(redis_url)
    await client.flushall()
    broker = KafkaBroker(bootstrap, logger=None)
    done = asyncio.Event()
    seen = 0
    started = 0.0

    @broker.subscriber(topic, group_id=uuid.uuid4().hex, auto_offset_reset="earliest")
    async def handle(value: bytes) -> None:
        nonlocal seen, started
        started = started or time.perf_counter()
        event = json.loads(value)
        task, kind = event["subject"], event["type"]
        operator = (event["data"].get("operator") or {}).get("id", "")
        known = json.loads(await client.hget("tasks", task) or "[]")
        known.append(event)
        await client.hset("tasks", task, json.dumps(known, ensure_ascii=False))
        await client.hincrby("totals", kind, 1)
        await client.hincrby(f"operator:{operator}", kind, 1)
        await client.hincrby(f"day:{event['time'][:10]}", kind, 1)
        seen += 1
        if seen == PER_MESSAGE:
            done.set()

    await broker.start()
    await asyncio.wait_for(done.wait(), 120)
    took = time.perf_counter() - started
    await broker.stop()
    await client.aclose()
    return seen, took


async def measure(mode: str, bootstrap: str, redis_url: str, topic: str) -> tuple[int, float]:
    match mode:
        case "a":
            return await consume(bootstrap, topic, validating=False)
        case "b":
            return await consume(bootstrap, topic, validating=True)
        case "c":
            return await project(bootstrap, redis_url, topic)
        case _:
            return await per_message(bootstrap, redis_url, topic)


async def compare(tasks: int, rounds: int) -> None:
    async with engines() as (bootstrap, redis_url):
        topic = f"bench-{uuid.uuid4().hex[:8]}"
        await create_topics(bootstrap, topic, f"{topic}.dlq", PARTITIONS)
        events = await fill(bootstrap, topic, tasks)
        print(f"Topic: {events} events of {tasks} tasks in {PARTITIONS} partitions")
        rates: dict[str, list[float]] = {mode: [] for mode in "abcd"}
        for number in range(1, rounds + 1):
            for mode, found in rates.items():
                seen, took = await in_own_process(mode, bootstrap, redis_url, topic)
                found.append(seen / took)
                print(f"  round {number} ({mode}): {seen / took:9,.0f} events/s", flush=True)
    medians = {mode: statistics.median(found) for mode, found in rates.items()}
    print("Medians, events a second:")
    for mode, what in zip("abcd", ("plain", "validating", "projector", "per message"), strict=True):
        print(f"  ({mode}) {what:12} {medians[mode]:9,.0f}")
    to_b = statistics.median(c / b for b, c in zip(rates["b"], rates["c"], strict=True))
    to_d = statistics.median(c / d for c, d in zip(rates["c"], rates["d"], strict=True))
    print(f"(c)/(b) = {to_b:.2f}   bar 0.5, aim 0.7")
    print(f"(c)/(d) = {to_d:.1f}   bar 12, aim 20")


async def in_own_process(mode: str, *where: str) -> tuple[int, float]:
    command = [sys.executable, __file__, "--mode", mode, *where]
    process = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE)
    out, _ = await process.communicate()
    seen, took = json.loads(out)
    return seen, took


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--tasks", type=int, default=20_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mode", choices="abcd", help=argparse.SUPPRESS)
    parser.add_argument("where", nargs="*", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.mode:
        from projector.main import tune_collector
        from runtime.logs import configure_logs

        configure_logs("error")
        tune_collector()
        print(json.dumps(uvloop.run(measure(arguments.mode, *arguments.where))))
    else:
        uvloop.run(compare(arguments.tasks, arguments.rounds))


if __name__ == "__main__":
    main()
