"""A hundred thousand malformed records of every kind among as many good ones."""

import asyncio
import json
import random
import time
from collections.abc import Iterator
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy
from pydantic_core import to_json

from chaos.independent import Event
from chaos.load import Load
from chaos.projectors import Deployment

BAD = 100_000

GOOD_PER_TURN, BAD_PER_TURN = 700, 500
"""Slightly more good records: a partition with more than half malformed ones would be parked."""

Record = tuple[bytes | None, bytes | None, list[tuple[str, bytes]]]
"""(key, value, headers)."""

HEADERS = ("content-type", "ce_id", "ce_specversion", "ce_type", "ce_time", "", "я", "x" * 300)


def rubbish(seed: int) -> Iterator[Record]:
    """Yields endless records that are not events; each breaks a good one in its own way."""
    dice = random.Random(seed)
    good = Load(seed)
    while True:
        (event,) = good.take(1)
        key = event["subject"].encode()
        match dice.randrange(8):
            case 0:
                yield _bytes(dice, 40), dice.randbytes(dice.randrange(2_000)), _headers(dice)
            case 1:
                yield key, to_json(event)[: -dice.randrange(1, 60)], _headers(dice)
            case 2:
                yield key, to_json(_without_one(dice, event)), []
            case 3:
                yield key, to_json(_with_wrong(dice, event)), []
            case 4:
                yield _bytes(dice, 40), to_json(event), []
            case 5:
                yield key, None, _headers(dice)
            case 6:
                yield key, to_json({**event, "type": dice.choice(("task-planned.v9", "", "x"))}), []
            case _:
                value = json.loads(
                    dice.choice(("[]", "1", '"x"', "null", "{}", "[[[[1]]]]", "1e999"))
                )
                yield key, json.dumps(value).encode(), _headers(dice)


def _bytes(dice: random.Random, most: int) -> bytes | None:
    return dice.choice((None, b"", dice.randbytes(dice.randrange(1, most))))


def _headers(dice: random.Random) -> list[tuple[str, bytes]]:
    return [
        (dice.choice(HEADERS), dice.randbytes(dice.randrange(40))) for _ in range(dice.randrange(4))
    ]


def _without_one(dice: random.Random, event: Event) -> Event:
    gone = dice.choice(("id", "source", "type", "subject", "time", "data", "specversion"))
    return {name: value for name, value in event.items() if name != gone}


def _with_wrong(dice: random.Random, event: Event) -> Event:
    wrong: list[Any] = [None, 1, [], {}, "", True, "x" * 129, 1.5e300]
    name = dice.choice(("id", "subject", "time", "data", "specversion"))
    return {**event, name: dice.choice(wrong)}


async def test_malformed_records_become_dead_letters_and_every_good_event_counts(
    deployment: Deployment,
) -> None:
    projector = deployment.projector()
    await projector.ready()
    load = Load(31)
    bad = rubbish(32)
    huge = 0
    producer = AIOKafkaProducer(
        bootstrap_servers=deployment.topic.bootstrap,
        enable_idempotence=True,
        linger_ms=5,
        max_batch_size=256 * 1024,
        max_request_size=1_048_576,
    )
    await producer.start()
    try:
        for turn in range(BAD // BAD_PER_TURN):
            records: list[Record] = [next(bad) for _ in range(BAD_PER_TURN - 1)]
            records.append((b"huge", b"x" * (1_000_000 if turn % 10 == 0 else 70_000), []))
            huge += 1
            records += [(e["subject"].encode(), to_json(e), []) for e in load.take(GOOD_PER_TURN)]
            # Malformed records go where their good neighbours go, so that every partition gets some.
            homes = [_partition(key, deployment) for key, _, _ in records[BAD_PER_TURN:]]
            homes = homes[:BAD_PER_TURN] + homes
            placed = list(zip(records, homes, strict=True))
            random.Random(turn).shuffle(placed)
            sent = [
                await producer.send(
                    deployment.topic.events,
                    key=key,
                    value=value,
                    headers=headers,
                    partition=home,
                )
                for (key, value, headers), home in placed
            ]
            await asyncio.gather(*sent)
    finally:
        await producer.stop()
    await deployment.check("fuzzed records among as many good ones", load.events, faults=BAD)
    assert projector.child.is_running
    dead = await deployment.dead()
    assert sum(dead.values()) == BAD, dead
    assert dead["too_large"] == huge
    assert {"empty", "not_json", "unknown_type", "invalid", "key_mismatch"} <= dead.keys()


def _partition(key: bytes | None, deployment: Deployment) -> int:
    return int((murmur2(key or b"") & 0x7FFFFFFF) % deployment.topic.partitions)


class _RawName(str):
    """A header's name that is sent as bytes that are not text."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe\x00 name"


async def test_header_names_that_are_not_text_stop_no_consumer(deployment: Deployment) -> None:
    projector = deployment.projector()
    await projector.ready()
    load = Load(33)
    producer = AIOKafkaProducer(bootstrap_servers=deployment.topic.bootstrap)
    await producer.start()
    bad = 0
    try:
        for _ in range(20):
            by_partition: dict[int, list[Record]] = {}
            for event in load.take(400):
                key = event["subject"].encode()
                home = by_partition.setdefault(_partition(key, deployment), [])
                home.append((key, to_json(event), [(_RawName(), b"x")] if len(home) % 3 else []))
                if len(home) % 5 == 0:
                    home.append((key, b"no event", [(_RawName(), b"x")]))
                    bad += 1
            for partition, records in by_partition.items():
                await _send_raw(producer, deployment, partition, records)
    finally:
        await producer.stop()
    await deployment.check("header names that are not UTF-8", load.events, faults=bad)
    assert projector.child.is_running
    assert await deployment.dead() == {"not_json": bad}


async def _send_raw(
    producer: AIOKafkaProducer, deployment: Deployment, partition: int, records: list[Record]
) -> None:
    """Send one batch written in Python, since the C code refuses such names."""
    batch = producer.create_batch()
    batch._builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 1 << 20)
    now = int(time.time() * 1000)
    for key, value, headers in records:
        assert batch.append(key=key, value=value, timestamp=now, headers=headers)
    await (await producer.send_batch(batch, deployment.topic.events, partition=partition))
