"""Redis loses everything, its last writes, or a slot, while the projector writes to it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from redis.asyncio.cluster import RedisCluster

import projector.store.client as projector
import query_api.connections as query_api
from chaos.growing import Growing
from chaos.load import flowing, under_load
from chaos.projectors import Deployment, deployment_on
from chaos.readers import reading
from contracts.keys import ShardKeys
from devkit.real_engines import RealRedisCluster, RedisPair
from devkit.real_engines.redis_cluster import ClusterNode
from runtime.redis import RETRYABLE, RedisClient
from support.proxy import Proxy, proxy
from support.topics import Topic
from support.waiting import until


async def grown(deployment: Deployment, by: int) -> None:
    """Wait until so many more records are applied than now."""
    before = await deployment.applied()

    async def has_grown() -> bool:
        try:
            return await deployment.applied() >= before + by
        except RETRYABLE:
            return False

    await until(has_grown, within_s=60.0, every_s=0.05)


async def test_redis_emptied_under_load_is_filled_again(deployment: Deployment) -> None:
    await deployment.projector().ready()
    times = 5
    async with under_load(deployment.topic.bootstrap, deployment.topic.events, seed=11) as load:
        for _ in range(times):
            await grown(deployment, 5_000)
            server = deployment.redis_url
            async with asyncio.timeout(5):
                await _ask(server, "FLUSHALL")
    assert load.rate >= 2_000
    await deployment.check("FLUSHALL of Redis", load.events, faults=times, rate=load.rate)


async def test_promoted_lagging_replica_is_brought_up_to_date(
    real_topic: Topic, tmp_path: Path
) -> None:
    times = 3
    async with (
        RedisPair(tmp_path / "pair") as pair,
        proxy(pair.primary.port) as address,
        deployment_on(real_topic, f"redis://{address.address}/0", tmp_path) as deployment,
    ):
        await deployment.projector().ready()
        async with under_load(real_topic.bootstrap, real_topic.events, seed=12) as load:
            for _ in range(times):
                lost = await _fail_over(deployment, pair, address)
                assert lost > 0, "the replica had everything: nothing was lost"
                await _new_replica(pair)
        assert load.rate >= 2_000
        await deployment.check(
            "primary killed, a replica that lags promoted",
            load.events,
            faults=times,
            rate=load.rate,
        )


async def _fail_over(deployment: Deployment, pair: RedisPair, address: Proxy) -> int:
    """Lose the primary with what the replica lacks; returns how many records that loses."""
    await grown(deployment, 3_000)
    await pair.replicating()
    await pair.cut_off()
    await grown(deployment, 3_000)
    before = await deployment.applied()
    pair.primary.kill()
    address.cut()
    await pair.promote()
    keys = [ShardKeys("g1", shard).meta for shard in range(deployment.topic.partitions)]
    after = sum([int(await pair.primary.ask("HGET", key, "offset") or 0) for key in keys])
    address.switch(pair.primary.port)
    return before - after


async def _new_replica(pair: RedisPair) -> None:
    """The old primary comes back, empty, as the replica of the new one."""
    await pair.replica.start()
    await pair.replica.ask("REPLICAOF", "127.0.0.1", pair.primary.port)
    await pair.replicating()


AWAY = ("stale: ", ": 503: ", "no answer: ReadTimeout")
"""What readers may complain of while a server is down: a stale report, and missing rows."""

LOST = ("went back", "after an answer as of", "by when Kafka had")
"""The same if its last writes are lost, which may have been shown: figures may decrease."""


@dataclass
class Struck:
    times: int = 0


@asynccontextmanager
async def striking(
    deployment: Deployment, fault: str, seed: int, *, explained: tuple[str, ...]
) -> AsyncIterator[Struck]:
    """A projector under load and readers on the API, while the test does what `fault` says.

    Afterwards both must be well again by themselves, without a traceback of the projector, and
    no reader may have complained of anything but what is `explained`.
    """
    growing, struck = Growing(), Struck()
    running = deployment.projector()
    await running.ready()
    async with (
        under_load(deployment.topic.bootstrap, deployment.topic.events, seed=seed) as load,
        flowing(growing, deployment.topic.bootstrap, deployment.topic.events),
        reading(deployment, growing) as readers,
    ):
        await grown(deployment, 5_000)
        yield struck
        await grown(deployment, 3_000)
        await until(readers.are_fresh, within_s=30.0)
    assert load.rate >= 2_000
    wrong = [one for one in readers.wrong if not any(words in one for words in explained)]
    assert not wrong, wrong[:20]
    assert '"exception"' not in running.log, running.log
    await deployment.check(
        fault,
        load.events + growing.events,
        faults=struck.times,
        rate=load.rate,
        days=[growing.day],
        note=f"{readers.answers:,} answers, the oldest {readers.oldest_s:.1f} s old",
    )


async def test_projector_leaves_a_demoted_primary_that_keeps_its_connections(
    real_topic: Topic, tmp_path: Path
) -> None:
    fault = "a primary demoted, its name leads to the new one"
    async with (
        RedisPair(tmp_path / "pair") as pair,
        proxy(pair.primary.port) as name,
        deployment_on(real_topic, f"redis://{name.address}/0", tmp_path) as deployment,
        striking(deployment, fault, 15, explained=("stale: ", *LOST)) as struck,
    ):
        for number in range(4):
            await grown(deployment, 3_000)
            await pair.replicating()
            name.point(pair.replica.port)
            await pair.promote()
            if number % 2:  # for a while there are two primaries, and then one has lost
                await asyncio.sleep(2)
            await pair.replica.ask("REPLICAOF", "127.0.0.1", pair.primary.port)
            struck.times += 1


async def test_slots_of_a_cluster_move_while_they_are_written_and_read(
    real_topic: Topic, cluster: RealRedisCluster, tmp_path: Path
) -> None:
    fault, rounds = "a slot of the Redis Cluster moved, readers polling", 3
    async with (
        deployment_on(real_topic, cluster.url, tmp_path) as deployment,
        RedisCluster.from_url(cluster.url.replace("+cluster", "")) as client,
        striking(deployment, fault, 13, explained=()) as struck,
    ):
        for number in range(rounds * real_topic.partitions):
            slot = client.keyslot(ShardKeys("g1", number % real_topic.partitions).meta)
            source = await cluster.owner_of(slot)
            others = [one for one in await cluster.primary_nodes() if one is not source]
            # In steps, so that much is written and read between them.
            assert await cluster.move_slot(slot, others[number % 2], batch=25) > 0
            struck.times += 1


async def test_killed_cluster_primary_is_replaced_without_a_difference(
    real_topic: Topic, cluster: RealRedisCluster, tmp_path: Path
) -> None:
    fault = "a primary of the Redis Cluster killed, readers polling"
    async with (
        deployment_on(real_topic, cluster.url, tmp_path) as deployment,
        striking(deployment, fault, 14, explained=(*AWAY, *LOST)) as struck,
    ):
        (await cluster.primary_nodes())[0].kill()
        await cluster.whole()
        deployment.redis_url = cluster.url
        struck.times = 1


async def test_frozen_cluster_primary_wakes_up_as_a_replica(
    real_topic: Topic, cluster: RealRedisCluster, tmp_path: Path
) -> None:
    fault = "a primary of the Redis Cluster frozen past its succession, readers polling"
    async with (
        deployment_on(real_topic, cluster.url, tmp_path) as deployment,
        striking(deployment, fault, 16, explained=(*AWAY, *LOST)) as struck,
    ):
        frozen = (await cluster.primary_nodes())[0]
        heir = cluster.nodes[cluster.nodes.index(frozen) + cluster.primaries]
        frozen.freeze()
        await until(lambda: _is_primary(heir), within_s=30.0)
        await asyncio.sleep(2)  # both services use the new primary already, or wait for a response
        frozen.thaw()
        await cluster.whole()
        struck.times = 1


@pytest.mark.parametrize("connect", [projector.connect, query_api.connect])
async def test_cluster_at_a_new_address_is_found_again_by_its_name(
    tmp_path: Path, connect: Callable[[str], Any]
) -> None:
    async with RealRedisCluster(tmp_path / "old") as old, proxy(old.nodes[0].port) as name:
        client = connect(f"redis+cluster://{name.address}")
        await client.set("where", "old")
        for node in old.nodes:
            node.kill()
        with pytest.raises(RETRYABLE):
            await client.get("where")
        async with RealRedisCluster(tmp_path / "new") as new:
            name.point(new.nodes[0].port)
            await client.set("where", "new")
            assert await client.get("where") == b"new"
            await client.aclose()


async def _is_primary(node: ClusterNode) -> bool:
    return bool(str(await node.ask("ROLE")).startswith("['master'"))


async def _ask(url: str, *words: str) -> None:
    import redis.asyncio

    client: RedisClient = redis.asyncio.from_url(url)
    try:
        await client.execute_command(*words)
    finally:
        await client.aclose()
