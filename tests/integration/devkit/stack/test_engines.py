"""The embedded engines start, answer, keep their data and leave nothing behind."""

import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest
import redis.asyncio
from aiokafka import AIOKafkaProducer

from devkit.errors import StackError
from devkit.stack.engines import EmbeddedKafka, EmbeddedRedis
from devkit.stack.ports import free_port
from devkit.stack.processes import Child
from devkit.stack.topics import create_topics
from support.topics import Topic, end_offsets
from support.waiting import until


async def test_a_fresh_topic_has_four_partitions_and_is_empty(topic: Topic) -> None:
    assert await end_offsets(topic) == [0] * 4


async def test_every_test_begins_with_an_empty_redis(redis_url: str) -> None:
    client = redis.asyncio.from_url(redis_url)
    try:
        assert await client.dbsize() == 0
        assert (await client.config_get("maxmemory-policy")) == {"maxmemory-policy": "noeviction"}
    finally:
        await client.aclose()


async def test_creating_topics_twice_changes_nothing(topic: Topic) -> None:
    await create_topics(topic.bootstrap, topic.events, topic.dead_letters, topic.partitions)


async def test_different_number_of_partitions_is_reported_in_one_line(topic: Topic) -> None:
    with pytest.raises(StackError, match="has 4 partitions, not 8: start with --partitions 4"):
        await create_topics(topic.bootstrap, topic.events, topic.dead_letters, 8)


async def test_missing_broker_is_reported_in_one_line() -> None:
    with pytest.raises(StackError, match=r"no Kafka answers at 127.0.0.1:"):
        await create_topics(f"127.0.0.1:{free_port()}", "events", "dead")


async def test_kafka_keeps_its_records_over_a_restart(tmp_path: Path) -> None:
    async with EmbeddedKafka(tmp_path) as kafka:
        await create_topics(kafka.bootstrap, "events", "dead", 2)
        producer = AIOKafkaProducer(bootstrap_servers=kafka.bootstrap)
        await producer.start()
        await producer.send_and_wait("events", b"one", partition=1)
        await producer.stop()
    async with EmbeddedKafka(tmp_path) as kafka:
        assert await end_offsets(Topic(kafka.bootstrap, "events", "dead", 2)) == [0, 1]
        assert kafka.size > 0


async def test_a_durable_redis_keeps_its_keys_over_a_crash(tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path, durable=True) as server:
        client = redis.asyncio.from_url(server.url)
        await client.set("key", "value")
        await client.aclose()
        assert server.child is not None
        server.child.kill()
    async with EmbeddedRedis(tmp_path, durable=True) as server:
        client = redis.asyncio.from_url(server.url)
        assert await client.get("key") == b"value"
        await client.aclose()


@pytest.mark.parametrize(
    ("engine", "option"), [(EmbeddedKafka, "--kafka-port"), (EmbeddedRedis, "--redis-port")]
)
async def test_port_in_use_is_reported_with_the_option_that_changes_it(
    engine: type[EmbeddedKafka | EmbeddedRedis], option: str, tmp_path: Path
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(StackError, match=rf"port {port} .* is in use.*{option}"):
            await engine(tmp_path, port).start()


async def test_engine_that_exits_at_start_reports_the_reason(tmp_path: Path) -> None:
    async with EmbeddedKafka(tmp_path) as first:
        with pytest.raises(StackError, match=r"exited 1: .*already running") as caught:
            await EmbeddedKafka(tmp_path).start()
        assert "\n" not in str(caught.value)
        assert await first.answers()


async def test_missing_program_is_reported_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(StackError, match=r"Thing cannot be started .*No such file"):
        Child("Thing", [tmp_path / "nothing"], log=tmp_path / "log").start()


async def test_package_without_a_binary_is_reported_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    with pytest.raises(StackError, match="noida-db has no binary for this machine"):
        await EmbeddedKafka(tmp_path / "data").start()


async def test_stopping_ends_only_its_own_process(tmp_path: Path) -> None:
    async with EmbeddedRedis(tmp_path / "a") as kept:
        async with EmbeddedRedis(tmp_path / "b") as ended:
            assert ended.child is not None
            pid = ended.child.pid
        assert not psutil.pid_exists(pid)
        assert await kept.answers()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_an_engine_dies_with_its_parent_even_if_that_is_killed(tmp_path: Path) -> None:
    program = f"""
import asyncio, sys
from pathlib import Path
from devkit.stack.engines import EmbeddedRedis
async def main():
    server = await EmbeddedRedis(Path({str(tmp_path)!r})).start()
    print(server.child.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""
    parent = subprocess.Popen(  # noqa: ASYNC220 - to be killed like any process
        [sys.executable, "-c", program], stdout=subprocess.PIPE
    )
    assert parent.stdout is not None
    with parent.stdout:
        engine = int(parent.stdout.readline())
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait()
    await until(
        lambda: not psutil.pid_exists(engine) or psutil.Process(engine).status() == "zombie"
    )
