"""Reading from a Redis Cluster: shards in several slots, each read as a whole."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import redis.asyncio
from redis.asyncio.cluster import RedisCluster

from contracts.keys import LIVE
from devkit.stack.engines import EmbeddedRedis
from devkit.stack.ports import HOST, free_port
from projector.fold.batch import Prepared
from projector.fold.change import Change
from projector.preflight import eviction_policies
from projector.store.client import connect as connect_projector
from projector.store.generations import drop, keys_of
from projector.store.position import Position
from projector.store.scripts import CHUNK
from query_api.connections import connect
from query_api.reader.errors import Unavailable
from query_api.reader.rows import find_rows
from query_api.reader.shard import Decoder, ShardRead, read_all
from query_api.report.row_query import RowFilter, RowQuery
from query_api.report.scope import Period, Scope
from query_api.report.snapshot import Snapshot
from runtime.redis import RETRYABLE, RedisClient
from support.api import running_api
from support.events import DAY, planned
from support.golden import GOLDEN, day_events, load
from support.issuer import Issuer
from support.waiting import until
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")

SLOTS = ((0, 5_460), (5_461, 10_922), (10_923, 16_383))


class ClusterNode(EmbeddedRedis):
    def command(self) -> Sequence[str | Path]:
        self.bus_port = free_port()  # by default 10,000 above its port, which may not exist
        return [
            *super().command(),
            *("--cluster-enabled", "yes", "--cluster-node-timeout", "1000"),
            *("--cluster-port", str(self.bus_port)),
        ]


@pytest_asyncio.fixture(loop_scope="module")
async def cluster_url(tmp_path: Path) -> AsyncIterator[str]:
    nodes = [ClusterNode(tmp_path / str(number)) for number in range(len(SLOTS))]
    try:
        for node in nodes:
            await node.start()
        clients: list[RedisClient] = [redis.asyncio.from_url(node.url) for node in nodes]
        for client, (first, last) in zip(clients, SLOTS, strict=True):
            await client.execute_command("CLUSTER ADDSLOTSRANGE", first, last)
            await client.execute_command("CLUSTER MEET", HOST, nodes[0].port, nodes[0].bus_port)

        async def formed() -> bool:
            states = [await client.execute_command("CLUSTER INFO") for client in clients]
            return all(
                info["cluster_state"] == "ok" and info["cluster_known_nodes"] == "3"
                for info in states
            )

        await until(formed, within_s=20)
        for client in clients:
            await client.aclose()
        yield f"redis+cluster://{nodes[0].address}"
    finally:
        await asyncio.gather(*(node.stop() for node in nodes))


@pytest.mark.parametrize("connect_by", [connect, connect_projector], ids=["API", "projector"])
async def test_one_reachable_node_of_those_named_is_enough(
    cluster_url: str, connect_by: Callable[[str], Any]
) -> None:
    live = cluster_url.partition("://")[2]
    for hosts in (f"127.0.0.1:1,{live}", f"{live},127.0.0.1:1", f"127.0.0.1:1,{live}/"):
        client = connect_by(f"redis+cluster://{hosts}")
        assert isinstance(client, RedisCluster)
        assert await client.set("somewhere", "here")
        await client.aclose()


@pytest.mark.parametrize("connect_by", [connect, connect_projector], ids=["API", "projector"])
async def test_unreachable_cluster_raises_an_expected_error(
    connect_by: Callable[[str], Any],
) -> None:
    client = connect_by("redis+cluster://127.0.0.1:1")
    with pytest.raises(RETRYABLE):
        await client.ping()
    await client.aclose()


async def test_golden_days_are_reported_correctly_from_a_cluster(
    cluster_url: str, issuer: Issuer
) -> None:
    client = connect(cluster_url)
    assert isinstance(client, RedisCluster)
    writer = await Writer(client, partitions=8).start()
    async with running_api(cluster_url, issuer) as api:
        events = day_events()
        for first in range(0, len(events), 200):
            await writer.write(events[first : first + 200])
        await api.up_to_date()

        for expected in load(GOLDEN / "days" / "expected.json")["reports"]:
            api.clock.now = expected["now"]
            found = await api.report(date=expected["date"], **expected["filters"])
            assert found == expected["operators"]

        page = await api.get("/contacts", date=DAY, counter="calls", limit=500)
        report = await api.get("/report", date=DAY)
        assert sum(item["contribution"] for item in page["items"]) == report["totals"]["calls"]
        assert {item["client"]["name"] for item in page["items"]} != {""}

        async def one_more_is_planned() -> bool:
            now = await api.get("/report", date=DAY)
            return bool(now["totals"]["planned"] == report["totals"]["planned"] + 1)

        await writer.write([planned("T-new")])
        await until(one_more_is_planned, within_s=0.5, every_s=0.001)
    await client.aclose()


async def test_a_generation_is_dropped_from_every_node(cluster_url: str) -> None:
    client = connect_projector(cluster_url)
    writer = await Writer(client, partitions=8).start()
    await writer.write([planned(f"T{n}") for n in range(50)])
    kept = await Writer(client, partitions=8, generation="g2").start()
    await kept.write([planned(f"T{n}") for n in range(50)])

    assert await drop(client, "g1") > 8

    assert not [key async for key in keys_of(client, "g1")]
    assert [key async for key in keys_of(client, "g2")]
    await client.aclose()


class HalfMoved:
    """A slot on its way to another node, as it is between two steps of resharding."""

    def __init__(self, client: RedisCluster, key: str) -> None:
        self.slot = client.keyslot(key)
        source = client.get_node_from_key(key)
        assert source is not None
        target = next(node for node in client.get_primaries() if node is not source)
        self.target_port = target.port
        self.source: RedisClient = redis.asyncio.from_url(f"redis://{HOST}:{source.port}")
        self.target: RedisClient = redis.asyncio.from_url(f"redis://{HOST}:{target.port}")

    async def begin(self) -> None:
        self.ids = [
            (await one.execute_command("CLUSTER MYID")) for one in (self.source, self.target)
        ]
        await self.target.execute_command("CLUSTER SETSLOT", self.slot, "IMPORTING", self.ids[0])
        await self.source.execute_command("CLUSTER SETSLOT", self.slot, "MIGRATING", self.ids[1])

    async def move(self, *keys: str) -> None:
        await self.source.execute_command(
            "MIGRATE", HOST, self.target_port, "", 0, 5_000, "KEYS", *keys
        )

    async def end(self) -> None:
        while keys := await self.source.execute_command("CLUSTER GETKEYSINSLOT", self.slot, 100):
            await self.move(*keys)
        for node in (self.target, self.source):
            await node.execute_command("CLUSTER SETSLOT", self.slot, "NODE", self.ids[1])
            await node.aclose()


async def test_emptying_a_hash_during_a_slot_migration_loses_nothing_else(
    cluster_url: str,
) -> None:
    client = connect_projector(cluster_url)
    writer = await Writer(client, partitions=1).start()
    keys = writer.shards[0].keys
    await writer.write([planned(f"T{n}", operator=f"op-{n}") for n in (1, 2, 3)])
    moving = HalfMoved(client, keys.meta)
    await moving.begin()

    # Each operator has one row and passes it on: every list loses its row and gets another.
    handed = [planned(f"T{n}", operator=f"op-{n % 3 + 1}", at="09:00") for n in (1, 2, 3)]
    await writer.write(handed)

    await moving.end()
    tasks = [await client.hkeys(keys.rows(DAY, f"op-{n}")) for n in (1, 2, 3)]
    assert tasks == [[b'["T3",1]'], [b'["T1",1]'], [b'["T2",1]']]
    await client.aclose()


async def test_hash_is_emptied_in_several_chunks_during_a_slot_migration(
    cluster_url: str,
) -> None:
    client = connect_projector(cluster_url)
    writer = await Writer(client, partitions=1).start()
    keys = writer.shards[0].keys
    await writer.write([planned("T1")])
    await client.hset(keys.dead, "old", 1)
    moving = HalfMoved(client, keys.meta)
    await moving.begin()

    change = Change(deletes={keys.dead: ["old", *(f"never there {n}" for n in range(CHUNK))]})
    prepared = Prepared(change, [])
    await writer.shards[0].commit(prepared, Position(7))

    await moving.end()
    assert await client.hget(keys.meta, "offset") == b"7"
    assert not await client.exists(keys.dead)
    await client.aclose()


async def test_half_migrated_shard_is_not_read(cluster_url: str, issuer: Issuer) -> None:
    client = connect_projector(cluster_url)
    writer = await Writer(client, partitions=1).start()
    keys = writer.shards[0].keys
    await writer.write([planned("T1")])
    moving = HalfMoved(client, keys.meta)
    await moving.begin()
    await moving.move(keys.meta, keys.seqs)  # its counts and rows are still on the old node

    reader = connect(cluster_url)
    with pytest.raises(RETRYABLE):
        await read_all(reader, [ShardRead(keys, [DAY], Decoder(), None)], LIVE)
    query = RowQuery(Period(DAY, DAY), Scope(), None, "calls", RowFilter(), 0)
    unread = Snapshot("g1", writer.fingerprint, (None,))
    with pytest.raises(Unavailable):
        await find_rows(reader, unread, query)

    await moving.end()
    async with running_api(cluster_url, issuer) as api:
        await api.up_to_date()
        assert (await api.get("/report", date=DAY))["totals"]["planned"] == 1
    await reader.aclose()
    await client.aclose()


async def test_scan_of_all_documents_is_complete_during_a_slot_migration(cluster_url: str) -> None:
    client = connect_projector(cluster_url)
    writer = await Writer(client, partitions=1).start()
    await writer.write([planned(f"T{n}") for n in range(3_000)])
    moving = HalfMoved(client, writer.shards[0].keys.meta)

    found: set[str] = set()
    async for task_id, _ in writer.shards[0].documents():
        if not found:
            await moving.begin()
            await moving.end()
        found.add(task_id)

    assert found == {f"T{n}" for n in range(3_000)}
    await client.aclose()


async def test_every_cluster_node_that_may_evict_is_reported(cluster_url: str) -> None:
    client = connect_projector(cluster_url)
    assert await eviction_policies(client) == {}
    node = client.get_primaries()[0]
    for name, value in (("maxmemory", "1gb"), ("maxmemory-policy", "allkeys-lfu")):
        await client.config_set(name, value, target_nodes=node)
    assert await eviction_policies(client) == {node.name: "allkeys-lfu"}
    await client.aclose()
