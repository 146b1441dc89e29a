"""Kafka loses a broker, a topic, old records or a transaction."""

import asyncio
import random
from dataclasses import replace
from pathlib import Path

import pytest
from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewPartitions, RecordsToDelete
from pydantic_core import to_json

from chaos import results
from chaos.load import Load, under_load
from chaos.projectors import Deployment, ProjectorProcess, deployment_on
from contracts.meta import Meta
from devkit.real_engines import RealKafka, RealRedis
from devkit.stack.topics import create_topics, delete_topics
from support.engines import SHORT_SESSIONS
from support.topics import Topic
from support.waiting import until


async def test_a_broker_of_three_killed_and_restarted_loses_nothing(tmp_path: Path) -> None:
    async with RealKafka(tmp_path / "k", brokers=3, heap="384m", settings=SHORT_SESSIONS) as kafka:
        topic = Topic(kafka.bootstrap, "three", "three.dlq", 8)
        await create_topics(kafka.bootstrap, "three", "three.dlq", 8, replication_factor=3)
        async with (
            RealRedis(tmp_path / "redis") as server,
            deployment_on(topic, server.url, tmp_path) as deployment,
        ):
            await deployment.projector().ready(60.0)
            async with under_load(topic.bootstrap, topic.events, seed=21) as load:
                for number in (2, 3, 1):
                    await _applied(deployment, 5_000)
                    kafka.kill(number)
                    await _applied(deployment, 5_000)
                    await kafka.start(number)
                    await kafka.in_sync()
            assert load.rate >= 2_000
            await deployment.check(
                "a Kafka broker of three killed, then restarted",
                load.events,
                faults=3,
                rate=load.rate,
            )


@pytest.mark.parametrize("more", [0.5, 3.0], ids=["shorter", "longer"])
async def test_recreated_topic_parks_every_shard_and_changes_nothing(
    deployment: Deployment, more: float
) -> None:
    projector = deployment.projector()
    await projector.ready()
    load = Load(22)
    await load.run(deployment.topic.bootstrap, deployment.topic.events, most=8_000)
    await deployment.caught_up()
    before = await deployment.metas()
    await delete_topics(deployment.topic.bootstrap, deployment.topic.events)
    await _made_anew(deployment)
    other = Load(23, rate=20_000)
    await other.run(deployment.topic.bootstrap, deployment.topic.events, most=int(8_000 * more))
    after = await _parked(deployment, projector, set(range(8)))
    results.record(
        f"the topic deleted and made anew, {'longer' if more > 1 else 'shorter'} (parked loudly)",
        faults=1,
        events=len(load.events) + len(other.events),
        differences=sum(_moved(one, two) for one, two in zip(before, after, strict=True)),
    )
    assert [meta.offset for meta in after] == [meta.offset for meta in before if meta]


@pytest.mark.parametrize("how", ["park", "rebuild"])
async def test_added_partitions_are_reported_and_included_by_a_rebuild(
    deployment: Deployment, how: str
) -> None:
    projector = deployment.projector(OBZVON_ON_FOREIGN=how)
    await projector.ready()
    load = Load(27)
    await load.run(deployment.topic.bootstrap, deployment.topic.events, most=8_000)
    await deployment.caught_up()
    await _add_partitions(deployment.topic, 12)
    await load.run(deployment.topic.bootstrap, deployment.topic.events, most=8_000)
    wider = replace(deployment, topic=replace(deployment.topic, partitions=12))
    if how == "park":

        async def is_told() -> bool:
            status, said = await projector.health()
            return status == 503 and "partitions 12 here, 8 there" in said

        await until(is_told, within_s=30.0)
        rebuild = await wider.command("rebuild", "--keep-s", "1")
        assert (rebuild.code, rebuild.err) == (0, ""), rebuild.out + rebuild.err
    await until(lambda: _is_live(wider, "g2"), within_s=60.0)
    await projector.ready()  # by itself
    await load.run(deployment.topic.bootstrap, deployment.topic.events, most=8_000)
    await wider.check(
        f"partitions added to the topic (OBZVON_ON_FOREIGN={how})", load.events, faults=1
    )


async def _is_live(deployment: Deployment, generation: str) -> bool:
    return await deployment.live() == generation


async def test_records_lost_to_retention_park_only_their_shard(deployment: Deployment) -> None:
    first = deployment.projector()
    await first.ready()
    load = Load(24)
    await load.run(deployment.topic.bootstrap, deployment.topic.events, most=8_000)
    await deployment.caught_up()
    before = await deployment.metas()
    await first.child.stop()
    await load.run(deployment.topic.bootstrap, deployment.topic.events, most=8_000)
    await _delete_records(deployment.topic, partition=3, before=(_offset(before[3]) + 100))
    second = deployment.projector()
    after = await _parked(deployment, second, {3})

    async def others_go_on() -> bool:
        return await second.owned() == 7

    await until(others_go_on, within_s=30.0, every_s=0.1)
    assert "100 records were deleted" in (after[3].parked or "")
    results.record(
        "records lost to retention below the offset (parked loudly)",
        faults=1,
        events=len(load.events),
        differences=_moved(before[3], after[3]),
    )
    assert after[3].offset == _offset(before[3])


async def test_records_lost_while_it_runs_do_not_matter_once_applied(
    deployment: Deployment,
) -> None:
    projector = deployment.projector()
    await projector.ready()
    load = Load(25)
    await load.run(deployment.topic.bootstrap, deployment.topic.events, most=8_000)
    await deployment.caught_up()
    for partition, meta in enumerate(await deployment.metas()):
        await _delete_records(deployment.topic, partition, before=_offset(meta))
    projector.child.kill()
    await deployment.projector().ready()
    await load.run(deployment.topic.bootstrap, deployment.topic.events, most=8_000)
    await deployment.check("applied records deleted, then a restart", load.events, faults=8)


async def test_aborted_and_committed_transactions_leave_no_difference(
    deployment: Deployment,
) -> None:
    await deployment.projector().ready()
    dice = random.Random(26)
    load = Load(26)
    aborted = 0
    producer = AIOKafkaProducer(
        bootstrap_servers=deployment.topic.bootstrap, transactional_id="chaos"
    )
    await producer.start()
    try:
        for turn in range(60):
            taken = load.take(300)
            await producer.begin_transaction()
            await asyncio.gather(
                *[
                    await producer.send(
                        deployment.topic.events, key=event["subject"].encode(), value=to_json(event)
                    )
                    for event in taken
                ]
            )
            if (
                dice.random() < 0.4 or turn == 59
            ):  # the last one leaves transaction markers at the end of the log
                await producer.abort_transaction()
                del load.events[-len(taken) :]
                aborted += 1
            else:
                await producer.commit_transaction()
    finally:
        await producer.stop()
    await deployment.check(
        "a transaction aborted among committed ones", load.events, faults=aborted
    )


async def _applied(deployment: Deployment, by: int) -> None:
    before = await deployment.applied()

    async def has_grown() -> bool:
        return await deployment.applied() >= before + by

    await until(has_grown, within_s=90.0, every_s=0.1)


async def _made_anew(deployment: Deployment) -> None:
    """Create the topic again; Kafka may still be busy deleting it."""

    async def is_made() -> bool:
        admin = AIOKafkaAdminClient(bootstrap_servers=deployment.topic.bootstrap)
        await admin.start()
        try:
            return deployment.topic.events not in await admin.list_topics()
        finally:
            await admin.close()

    await until(is_made)
    await create_topics(
        deployment.topic.bootstrap, deployment.topic.events, deployment.topic.dead_letters, 8
    )


async def _parked(
    deployment: Deployment, projector: ProjectorProcess, shards: set[int]
) -> list[Meta]:
    """Wait until exactly these shards are parked, according to meta, /readyz, metrics and log."""
    seen: list[Meta] = []

    async def are_parked() -> bool:
        seen[:] = [meta for meta in await deployment.metas() if meta]
        return {n for n, meta in enumerate(seen) if meta.parked} == shards

    await until(are_parked, within_s=60.0, every_s=0.1)
    status, body = await projector.health()
    assert status == 503
    for shard in shards:
        assert f'"{shard}": "parked: ' in body
    _, metrics = await projector.health("/metrics")
    assert metrics.count("obzvon_parked{partition=") >= len(shards)
    assert projector.log.count("shard_parked") >= len(shards)
    return seen


async def _add_partitions(topic: Topic, total: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=topic.bootstrap)
    await admin.start()
    try:
        await admin.create_partitions({topic.events: NewPartitions(total_count=total)})
    finally:
        await admin.close()


async def _delete_records(topic: Topic, partition: int, before: int) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=topic.bootstrap)
    await admin.start()
    try:
        where = TopicPartition(topic.events, partition)
        await admin.delete_records({where: RecordsToDelete(before_offset=before)})
    finally:
        await admin.close()


def _offset(meta: Meta | None) -> int:
    assert meta is not None
    return meta.offset


def _moved(before: Meta | None, after: Meta | None) -> int:
    """Returns 1 if the shard has continued although it must not."""
    return int(_offset(before) != _offset(after))
