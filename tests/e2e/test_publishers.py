"""Events of any publisher are counted, and everything else becomes a dead letter."""

import json
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pytest
from confluent_kafka import Producer

from support.api import running_api
from support.events import DAY, NOON, called, planned
from support.issuer import Issuer
from support.projecting import Shards, running_projector, shards_of
from support.publishing import Record, compressing_producer, publish, record_of, send
from support.topics import Topic, read_all

Publish = Callable[[Topic, list[dict[str, Any]]], None]


CODECS = ("none", "gzip", "snappy", "lz4", "zstd")


def with_confluent(
    topic: Topic, events: list[dict[str, Any]], codec: str = "none", linger_ms: int = 5
) -> None:
    """librdkafka: chooses partitions by CRC-32 of the key by default."""
    producer = Producer(
        {
            "bootstrap.servers": topic.bootstrap,
            "compression.type": codec,
            "linger.ms": linger_ms,
        }
    )
    for event in events:
        producer.produce(topic.events, json.dumps(event).encode(), event["subject"].encode())
    assert producer.flush(20) == 0


def with_kcat(topic: Topic, events: list[dict[str, Any]]) -> None:
    kcat = shutil.which("kcat") or shutil.which("kafkacat")
    if kcat is None:
        pytest.skip("kcat is not installed; it is librdkafka, as is confluent-kafka")
    lines = "".join(f"{event['subject']}\t{json.dumps(event)}\n" for event in events)
    command = [kcat, "-P", "-b", topic.bootstrap, "-t", topic.events, "-K", "\t"]
    subprocess.run(command, input=lines.encode(), check=True, timeout=30)


@pytest.mark.parametrize("publish_with", [with_confluent, with_kcat])
async def test_events_from_another_kafka_client_are_counted(
    publish_with: Publish, topic: Topic, redis_url: str, issuer: Issuer
) -> None:
    tasks = [f"T{number}" for number in range(40)]
    await publish(topic, [planned(task) for task in tasks])
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await shards.caught_up()
        publish_with(topic, [called(task) for task in tasks])
        await shards.caught_up()
        async with running_api(redis_url, issuer, NOON) as api:
            await api.up_to_date()
            figures = (await api.report(date=DAY))["op-1"]
        forwarded = sum(meta.forwarded for meta in await shards.metas() if meta)
    assert (figures["planned"], figures["calls"]) == (40, 40)
    assert forwarded > 0, "the other client chose aiokafka's partitions: this shows nothing"


@pytest.mark.parametrize("codec", CODECS)
async def test_events_are_counted_with_every_compression_codec(
    codec: str, topic: Topic, redis_url: str
) -> None:
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        with_confluent(topic, [planned(f"T{number}") for number in range(200)], codec, 200)
        await shards.caught_up()
        assert await planned_total(shards) == 200


async def test_bad_records_become_dead_letters_and_disturb_nothing(
    topic: Topic, redis_url: str, issuer: Issuer
) -> None:
    future = called("T1")
    future["time"] = "2030-01-01T00:00:00Z"
    key, value, _ = record_of(planned("T1"))
    bad: dict[str, Record] = {
        "not_json": (b"T1", b"{", {}),
        "empty": (b"T1", None, {}),
        "too_large": (b"T1", b"x" * 70_000, {}),
        "key_mismatch": (b"T2", value, {}),
        "unknown_type": (b"T1", json.dumps({**called("T1"), "type": "x.v1"}).encode(), {}),
        "invalid": (b"T1", json.dumps(called("T1", "tired")).encode(), {}),
        "future": (b"T1", json.dumps(future).encode(), {}),
    }
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        good = [record_of(planned("T1")), record_of(called("T1"))]
        await send(topic, [good[0], *bad.values(), good[1]])
        await shards.caught_up()
        assert await shards.dead() == dict.fromkeys(bad, 1)
        async with running_api(redis_url, issuer, NOON) as api:
            await api.up_to_date()
            figures = (await api.report(date=DAY))["op-1"]
        assert (figures["planned"], figures["calls"]) == (1, 1)
    letters = await dead_letters(topic)
    assert {letter["reason"] for letter in letters} == set(bad)
    for letter in letters:
        assert letter["topic"] == topic.events
        where = f"{letter['topic']}/{letter['partition']}/{letter['offset']}"
        assert letter["record_key"] == where
        key, value, _ = bad[letter["reason"]]
        assert letter["record_value"] == value
        assert letter["key"] == (key or b"").decode()


async def test_large_records_that_were_compressed_do_not_stop_the_projector(
    topic: Topic, redis_url: str
) -> None:
    producer = compressing_producer(topic)
    producer.produce(topic.events, b"x", b"T1", partition=0, headers=[("", None)] * 300_000)
    for partition in range(topic.partitions):
        key, value, _ = record_of(planned("T1"))
        headers: list[tuple[str, str | bytes | None]] = [("x", b"x" * 3_000_000)]
        producer.produce(topic.events, value, key, partition=partition, headers=headers)
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        assert producer.flush(20) == 0
        await publish(topic, [planned("T1")])
        await shards.caught_up()
        assert await shards.dead() == {"too_large": 1 + topic.partitions}
        assert await planned_total(shards) == 1


async def test_events_beyond_the_limit_of_a_task_become_dead_letters(
    topic: Topic, redis_url: str
) -> None:
    events = [planned("T1"), *(called("T1") for _ in range(2_004))]
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await publish(topic, events)
        await shards.caught_up()
        assert await shards.dead() == {"task_full": 5}


async def test_misrouted_record_forwarded_twice_is_counted_once(
    topic: Topic, redis_url: str
) -> None:
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        key, value, more = record_of(planned("T1"))
        await send(topic, [(key, value, {**more, "partition": n}) for n in range(4)])
        await shards.caught_up()
        assert await planned_total(shards) == 1


async def planned_total(shards: Shards) -> int:
    total = 0
    for keys in shards.keys:
        for counts in (await shards.client.hgetall(keys.cells(DAY))).values():
            total += int(counts.split(b",")[0])
    return total


async def dead_letters(topic: Topic) -> list[dict[str, Any]]:
    """Returns the dead letters: their headers, key and value."""
    found = await read_all(topic.bootstrap, topic.dead_letters)
    return [
        {
            **{n.removeprefix("obzvon-dlq-"): v.decode() for n, v in record.headers},
            "record_key": record.key.decode(),
            "record_value": record.value,
        }
        for record in found
    ]
