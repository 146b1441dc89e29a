"""An engine is unreachable for a while: the projector waits, says so and recovers by itself."""

import asyncio
import time
from pathlib import Path

import psutil

from chaos.load import Load, under_load
from chaos.projectors import Deployment, ProjectorProcess, deployment_on
from devkit.real_engines import RealKafka, RealRedis
from devkit.real_engines.node import Node
from devkit.stack.topics import create_topics
from support.engines import SHORT_SESSIONS
from support.topics import Topic
from support.waiting import until

AWAY_S = 60.0

MOST_LINES = 40
"""Lines a shard may log about one outage: pauses that grow to ten seconds make about twenty."""

MOST_GROWTH = 64 << 20
"""Bytes of memory that waiting may take, for records that were fetched already."""


async def waited_out(projector: ProjectorProcess, node: Node, load: Load) -> None:
    """Freeze the engine for a while and check what the projector does meanwhile."""
    await until(lambda: load.sent > 5_000, within_s=30.0)
    process = psutil.Process(projector.child.pid)
    lines = projector.log.count("\n")
    size = process.memory_info().rss
    node.freeze()
    frozen = time.monotonic()
    try:

        async def says_so() -> bool:
            return (await projector.health())[0] == 503

        await until(says_so, within_s=30.0, every_s=0.2)
        await asyncio.sleep(AWAY_S - (time.monotonic() - frozen))
        assert (await projector.health())[0] == 503
        assert (await projector.health("/livez"))[0] == 200
        assert process.memory_info().rss - size < MOST_GROWTH
        assert projector.log.count("\n") - lines < 8 * MOST_LINES
    finally:
        node.thaw()
    await projector.ready(60.0)


async def test_projector_waits_while_redis_is_unreachable_for_a_minute(
    deployment: Deployment, real_redis: RealRedis
) -> None:
    projector = deployment.projector()
    await projector.ready()
    async with under_load(deployment.topic.bootstrap, deployment.topic.events, seed=41) as load:
        await waited_out(projector, real_redis.node, load)
    await deployment.check("Redis away for a minute", load.events, faults=1, rate=load.rate)


async def test_projector_waits_while_kafka_is_unreachable_for_a_minute(
    real_redis: RealRedis, tmp_path: Path
) -> None:
    async with RealKafka(tmp_path / "kafka", settings=SHORT_SESSIONS) as kafka:
        topic = Topic(kafka.bootstrap, "away", "away.dlq", 8)
        await create_topics(kafka.bootstrap, topic.events, topic.dead_letters, 8)
        async with deployment_on(topic, real_redis.url, tmp_path) as deployment:
            projector = deployment.projector()
            await projector.ready()
            async with under_load(topic.bootstrap, topic.events, seed=42) as load:
                await waited_out(projector, kafka.nodes[1], load)
            await deployment.check("Kafka away for a minute", load.events, faults=1, rate=load.rate)


async def test_projector_waits_while_kafka_is_restarted(
    real_redis: RealRedis, tmp_path: Path
) -> None:
    async with RealKafka(tmp_path / "kafka", settings=SHORT_SESSIONS) as kafka:
        topic = Topic(kafka.bootstrap, "stopped", "stopped.dlq", 8)
        await create_topics(kafka.bootstrap, topic.events, topic.dead_letters, 8)
        async with deployment_on(topic, real_redis.url, tmp_path) as deployment:
            projector = deployment.projector()
            await projector.ready()
            async with under_load(topic.bootstrap, topic.events, seed=43) as load:
                await asyncio.sleep(3.0)
                await kafka.stop(1)

                async def says_so() -> bool:
                    return (await projector.health())[0] == 503

                await until(says_so, within_s=30.0, every_s=0.2)
                await kafka.start(1)
                await projector.ready(60.0)
                await asyncio.sleep(3.0)
            await deployment.check(
                "Kafka stopped and started", load.events, faults=1, rate=load.rate
            )
