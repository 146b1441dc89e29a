"""The projector stops whenever it is told to."""

import asyncio
import random
import time

from harness.projecting import projector_settings, running_projector
from harness.topics import Topic
from harness.waiting import until
from projector.main import Projector


async def test_it_stops_at_any_early_moment(topic: Topic, redis_url: str) -> None:
    chance = random.Random(7)
    for _ in range(25):
        projector = Projector(projector_settings(topic, redis_url))
        async with projector.running():
            await asyncio.sleep(chance.uniform(0, 0.25))  # the moment is what is tested
            began = time.monotonic()
        assert projector._running is not None
        assert projector._running.done()
        assert time.monotonic() - began < 10


async def test_it_is_ready_without_partitions_once_it_has_joined(
    topic: Topic, redis_url: str
) -> None:
    async with running_projector(topic, redis_url) as projector:
        assert projector.not_ready()
        await until(lambda: not projector.not_ready(), within_s=20)
        assert projector.owner is not None
        assert len(projector.owner.owned) == topic.partitions
