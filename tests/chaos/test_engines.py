"""The real engines start, fail and come back as the fault tests need them to."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import redis.asyncio
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError
from aiokafka.helpers import create_ssl_context
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import RedisError

from devkit.errors import StackError
from devkit.real_engines import (
    RealKafka,
    RealRedis,
    RealRedisCluster,
    RedisPair,
    fetch_kafka,
    find_redis_server,
)
from devkit.stack.topics import create_topics
from support.waiting import until


async def produced(bootstrap: str, topic: str, count: int) -> None:
    producer = AIOKafkaProducer(bootstrap_servers=bootstrap, enable_idempotence=True, acks="all")
    await producer.start()
    try:
        await asyncio.gather(
            *[await producer.send(topic, b"%d" % n, key=b"%d" % n) for n in range(count)]
        )
    finally:
        await producer.stop()


async def length(bootstrap: str, topic: str, partitions: int) -> int:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        asked = [TopicPartition(topic, n) for n in range(partitions)]
        return sum((await consumer.end_offsets(asked)).values())
    finally:
        await consumer.stop()


async def test_one_broker_takes_records(real_kafka: RealKafka) -> None:
    await create_topics(real_kafka.bootstrap, "one", "one.dlq", 4)
    await create_topics(real_kafka.bootstrap, "one", "one.dlq", 4)
    await produced(real_kafka.bootstrap, "one", 100)
    assert await length(real_kafka.bootstrap, "one", 4) == 100
    with pytest.raises(StackError, match="has 4 partitions, not 8"):
        await create_topics(real_kafka.bootstrap, "one", "one.dlq", 8)


async def test_three_brokers_lose_one_and_get_it_back(tmp_path: Path) -> None:
    async with RealKafka(tmp_path, brokers=3, heap="384m") as kafka:
        await create_topics(kafka.bootstrap, "three", "three.dlq", 6, replication_factor=3)
        await produced(kafka.bootstrap, "three", 100)
        pids = [node.pid for node in kafka.nodes.values()]
        kafka.kill(2)
        await kafka.ready(1, 3)
        await produced(kafka.bootstrap, "three", 100)
        await kafka.start(2)
        await kafka.in_sync()
        await kafka.stop(3)
        await produced(kafka.bootstrap, "three", 100)
        assert await length(kafka.bootstrap, "three", 6) == 300
    assert not any(psutil.pid_exists(pid) for pid in pids)


async def test_secure_redis_accepts_only_tls_with_user_and_password(tmp_path: Path) -> None:
    async with RealRedis(tmp_path, secure=True) as server:
        client = redis.asyncio.from_url(server.url)
        assert (await client.info("server"))["executable"] == str(find_redis_server())
        await client.aclose()
        for wrong in (
            server.node.url,  # without TLS
            server.url.replace("obzvon:", "other:"),
            server.url.replace("//obzvon:a%20secret", "//obzvon:no%20secret"),
            server.url.partition("?")[0],  # a certificate authority that is not trusted here
        ):
            refused = redis.asyncio.from_url(wrong)
            with pytest.raises((RedisError, OSError)):
                await refused.ping()
            await refused.aclose()


async def test_secure_kafka_accepts_only_tls_with_user_and_password(tmp_path: Path) -> None:
    async with RealKafka(tmp_path, secure=True) as kafka:
        await create_topics(kafka.bootstrap, "secure", "secure.dlq", 1)
        assert kafka.certificates is not None
        options = {
            "bootstrap_servers": kafka.secure_bootstrap,
            "security_protocol": "SASL_SSL",
            "ssl_context": create_ssl_context(cafile=str(kafka.certificates.authority)),
            "sasl_mechanism": "SCRAM-SHA-512",
            "sasl_plain_username": kafka.user,
            "sasl_plain_password": kafka.password,
        }
        async with AIOKafkaProducer(**options) as producer:
            await producer.send_and_wait("secure", b"value")
        for wrong in (
            {"sasl_plain_password": "wrong"},
            {"security_protocol": "SASL_PLAINTEXT"},
            {"ssl_context": create_ssl_context()},
        ):
            refused = AIOKafkaProducer(**{**options, **wrong}, request_timeout_ms=3_000)
            with pytest.raises((KafkaError, OSError)):
                await refused.start()
            await refused.stop()


async def test_promoting_a_lagging_replica_loses_the_last_writes(tmp_path: Path) -> None:
    async with RedisPair(tmp_path) as pair:
        await pair.primary.ask("SET", "kept", "yes")
        await pair.replicating()
        await pair.cut_off()
        await pair.primary.ask("SET", "lost", "yes")
        pair.primary.kill()
        await pair.promote()
        assert await pair.primary.ask("GET", "kept") == "yes"
        assert await pair.primary.ask("GET", "lost") is None
        await pair.primary.ask("SET", "new", "yes")


async def test_cluster_survives_the_loss_of_a_primary_and_moves_a_slot(tmp_path: Path) -> None:
    async with RealRedisCluster(tmp_path) as cluster:
        client = RedisCluster.from_url(cluster.url.replace("+cluster", ""))
        for number in range(300):
            await client.set(f"{{{number}}}:key", number)
        slot = client.keyslot("{7}:key")
        source = await cluster.owner_of(slot)
        target = next(node for node in await cluster.primary_nodes() if node is not source)
        assert await cluster.move_slot(slot, target) >= 1
        assert await cluster.owner_of(slot) is target
        assert await client.get("{7}:key") == b"7"

        # What a replica does not have yet would be lost with its primary.
        for node in await cluster.primary_nodes():
            await node.ask("WAIT", 1, 5_000)
        target.kill()
        await cluster.whole()
        assert len(await cluster.primary_nodes()) == 3

        async def all_read() -> bool:
            found = [await client.get(f"{{{number}}}:key") for number in range(300)]
            return found == [b"%d" % number for number in range(300)]

        assert await until(all_read)
        await target.start()
        await cluster.whole()
        await client.aclose()


def test_kafka_is_downloaded_only_once() -> None:
    first = fetch_kafka()
    before = {jar: jar.stat().st_mtime_ns for jar in (first / "libs").iterdir()}
    assert fetch_kafka() == first
    assert {jar: jar.stat().st_mtime_ns for jar in (first / "libs").iterdir()} == before


@pytest.mark.parametrize(
    ("missing", "said"),
    [("redis-server", "redis-server is missing"), ("java", "java is missing"), ("mvn", "mvn is")],
)
def test_missing_tool_is_reported_with_how_to_install_it(
    missing: str, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from devkit.real_engines.fetch import find_java

    monkeypatch.setenv("PATH", str(tmp_path))
    look: dict[str, Callable[[], object]] = {
        "redis-server": find_redis_server,
        "java": find_java,
        "mvn": lambda: fetch_kafka(tmp_path / "cache"),
    }
    with pytest.raises(StackError, match=said) as caught:
        look[missing]()
    assert "apt-get install" in str(caught.value)
