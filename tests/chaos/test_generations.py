"""Another generation becomes live while events flow and clients read, and no client notices."""

import asyncio
import re
import time
from functools import partial
from pathlib import Path
from typing import Any

from chaos.growing import Growing
from chaos.load import Load, flowing, under_load
from chaos.projectors import Deployment, ProjectorProcess, deployment_on
from chaos.readers import Readers, reading
from devkit.real_engines import RealRedisCluster
from projector.fold.version import FOLD_VERSION
from support.topics import Topic
from support.waiting import until

RATE, LEAST_RATE = 2_100, 2_000
"""Events a second of the random load, and those that both loads together must never fall below."""

WARM_S = 6.0
"""Seconds of load before the rebuild, so that there is something to build."""

STALE_AFTER_S = 15.0
"""Seconds after which an answer calls itself stale: no reader may ever see one."""


async def test_nobody_notices_a_rebuild(deployment: Deployment) -> None:
    await _rebuilt(deployment, "a rebuild under load, readers polling", seed=61)


async def test_nobody_notices_a_rebuild_on_a_redis_cluster(
    real_topic: Topic, cluster: RealRedisCluster, tmp_path: Path
) -> None:
    async with deployment_on(real_topic, cluster.url, tmp_path) as deployment:
        await _rebuilt(
            deployment, "a rebuild on the Redis Cluster, readers polling", seed=62, warm_s=2.0
        )


async def _rebuilt(deployment: Deployment, fault: str, seed: int, warm_s: float = WARM_S) -> None:
    growing = Growing()
    await deployment.projector().ready()
    async with (
        under_load(
            deployment.topic.bootstrap, deployment.topic.events, seed=seed, rate=RATE
        ) as load,
        flowing(growing, deployment.topic.bootstrap, deployment.topic.events),
        reading(deployment, growing) as readers,
    ):
        await asyncio.sleep(warm_s)
        began = time.monotonic()
        rebuild = await deployment.command("rebuild", "--keep-s", "2")
        took = time.monotonic() - began
        assert (rebuild.code, rebuild.err) == (0, ""), rebuild.out + rebuild.err
        assert "rebuild: 0 differences" in rebuild.out
        assert "rebuild: g1 is dropped" in rebuild.out
        await until(lambda: readers.shows("g2"))
        assert await deployment.keys("g1") == 0
        await _read_on(readers, 20)
    _judged(readers, load, growing)
    await deployment.check(
        fault,
        load.events + growing.events,
        faults=1,
        rate=_slowest(load, growing),
        days=[growing.day],
        note=f"{readers.answers:,} answers, the oldest {readers.oldest_s:.1f} s old; "
        f"{took:.0f} s from start to clean-up",
    )


async def test_nobody_notices_a_rolling_deploy_of_another_fold_version(
    deployment: Deployment,
) -> None:
    """From the release before the course of a day to this one."""
    growing = Growing()
    rebuilds: dict[str, Any] = {"OBZVON_ON_FOREIGN": "rebuild"}
    old = [deployment.projector(f"old-{number}", fold=1, **rebuilds) for number in range(2)]
    await asyncio.gather(*(one.ready() for one in old))
    async with (
        under_load(deployment.topic.bootstrap, deployment.topic.events, seed=63, rate=RATE) as load,
        flowing(growing, deployment.topic.bootstrap, deployment.topic.events),
        reading(deployment, growing) as readers,
    ):
        await asyncio.sleep(WARM_S)
        new = deployment.projector("new-0", **rebuilds)
        await until(lambda: '"switched"' in new.log, within_s=60.0)
        old[0].freeze()  # before it notices: when it wakes up, its generation is retired
        await new.ready(within_s=60.0)
        assert await deployment.live() == "g2"
        old[0].thaw()
        await until(lambda: "took over from this one's" in old[0].log, within_s=30.0)
        await old[0].child.stop()
        await deployment.projector("new-1", **rebuilds).ready()
        await old[1].child.stop()
        for how in ("park", "rebuild"):  # somebody starts the old release again
            late = deployment.projector(f"late-{how}", fold=1, OBZVON_ON_FOREIGN=how)
            status, said = await until(partial(_parked, late), within_s=30.0)
            assert (status, f"fold 1 here, {FOLD_VERSION} there" in said) == (503, True), said
        await _read_on(readers, 20)
    assert await deployment.live() == "g2"
    _judged(readers, load, growing)
    await deployment.check(
        "a rolling deploy of another fold version, readers polling",
        load.events + growing.events,
        faults=1,
        rate=_slowest(load, growing),
        days=[growing.day],
        note=f"{readers.answers:,} answers, the oldest {readers.oldest_s:.1f} s old",
    )


async def _parked(projector: ProjectorProcess) -> tuple[int, str] | None:
    status, said = await projector.health()
    return (status, said) if "parked" in said else None


async def _read_on(readers: Readers, more: int) -> None:
    """Wait until every reader has so many more responses, a stream a few."""
    wanted = [
        len(reader.at) + (2 if "stream" in reader.name else more) for reader in readers.readers
    ]
    await until(
        lambda: all(
            len(reader.at) >= least for reader, least in zip(readers.readers, wanted, strict=True)
        ),
        within_s=30.0,
    )


def _slowest(load: Load, growing: Growing) -> float:
    """Events a second in the slowest five seconds."""
    return load.slowest() + growing.slowest()


def _judged(readers: Readers, load: Load, growing: Growing) -> None:
    assert not readers.wrong, readers.wrong[:20]
    seen = [generation for _, generation in readers.generations]
    assert re.fullmatch("(g1 )+(g2 )+", " ".join(seen) + " "), "it went back and forth"
    for reader, counts in zip(readers.readers, readers.before_and_after("g1", "g2"), strict=True):
        assert min(counts) >= (2 if "stream" in reader.name else 10), (reader.name, counts)
    assert readers.oldest_s < STALE_AFTER_S
    assert _slowest(load, growing) >= LEAST_RATE
