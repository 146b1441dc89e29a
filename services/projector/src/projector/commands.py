"""The commands beside `run`: each returns an exit code and prints for a person."""

import asyncio
import sys
from collections.abc import Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError

from contracts.keys import ShardKeys
from projector.consumer.verify import Findings, ShardVerifier
from projector.fold.calendar import Calendar
from projector.settings import Settings
from projector.store.client import connect
from projector.store.generations import live_pointer
from projector.store.shard import UNREACHABLE

SHOWN = 100
"""Differences that are printed; the others are only counted."""


def verify(settings: Settings, generation: str | None) -> int:
    """Compare the live generation, or the given one, with Kafka; 1 if anything differs."""
    return _answered("verify", _verify(settings, generation))


def _answered(command: str, work: Coroutine[Any, Any, int]) -> int:
    """Run it; an engine out of reach is one line and exit code 3."""
    try:
        return asyncio.run(work)
    except (KafkaError, *UNREACHABLE) as error:
        sys.stderr.write(
            f"{command}: {type(error).__name__}: {error}. Check OBZVON_KAFKA_BOOTSTRAP_SERVERS "
            "and OBZVON_REDIS_URL, and that both run\n"
        )
        return 3


async def _verify(settings: Settings, generation: str | None) -> int:
    client = connect(settings.redis_url)
    consumer = AIOKafkaConsumer(
        **settings.kafka_options(),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 << 20,
    )
    try:
        await consumer.start()
        pointer = await live_pointer(client)
        if pointer is None:
            sys.stderr.write("verify: Redis has no live generation; has a projector run on it?\n")
            return 1
        fingerprint = pointer.fingerprint
        total = Findings()
        calendar = Calendar.of(fingerprint.timezone, fingerprint.day_end)
        for shard in range(fingerprint.partitions):
            keys = ShardKeys(generation or pointer.generation, shard)
            verifier = ShardVerifier(client, consumer, keys, fingerprint, calendar)
            found = await verifier.verify()
            total.records += found.records
            total.tasks += found.tasks
            total.values += found.values
            total.older += found.older
            total.differences += found.differences
    finally:
        await consumer.stop()
        await client.aclose()
    return _told(total, fingerprint.partitions)


def _told(total: Findings, shards: int) -> int:
    for difference in total.differences[:SHOWN]:
        sys.stdout.write(difference + "\n")
    if len(total.differences) > SHOWN:
        sys.stdout.write(f"… and {len(total.differences) - SHOWN} more\n")
    older = f", {total.older} events older than Kafka's log taken from Redis" if total.older else ""
    sys.stdout.write(
        f"verify: {shards} shards, {total.records} records, {total.tasks} tasks, "
        f"{total.values} values{older}: {len(total.differences)} differences\n"
    )
    return 1 if total.differences else 0
