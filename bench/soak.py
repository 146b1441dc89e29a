"""Whether memory and latency stay the same for minutes at half the projector's maximum rate.

Real Apache Kafka and Redis; the projector and the API as processes of their own. First the load
generator sends as fast as it can, for a minute: that fills the caches, and how fast the projector
applies in the second half of it is the maximum rate of this machine, which Kafka, Redis, the API and
the load generator share with the projector. Once the backlog is applied, half of that rate flows,
while the resident memory of both processes and the time from publishing an event to seeing it in the
API's report are sampled each second.

Fails (exit code 1) if the median of the last third is over 15 % above that of the first third for
memory, or if `verify` finds a difference; exit code 3 if only the latency's is over twice of it, which
other work on the machine may bring about.

    python bench/soak.py [--minutes 15] [--rate EVENTS_A_SECOND]
"""

import argparse
import asyncio
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Self

import httpx
import psutil
from aiokafka import AIOKafkaProducer
from pydantic_core import to_json

from chaos.histories import ZONE
from chaos.load import Load
from chaos.projectors import Deployment
from engines import kafka, redis_server
from running import services
from support.events import cloud_event
from support.waiting import until

FILLING_S = 30.0
"""Seconds at full speed before the maximum rate is measured, and while it is."""

VERIFY_S = 3_600.0
"""Seconds given to fold all events again, some ten thousand of them a second."""

CACHED_TASKS = 10_000
"""Tasks the projector keeps in memory here: few enough to be full before the first third."""

FEW = {"operators": 5, "managers": 1}
"""The operators. What both services hold in memory grows with the combinations of operator,
manager, plan date and deadline that occur; these are so few that all have occurred at the start.
"""

MOST_GROWTH = 1.15
MOST_SLOWER = 2.0

SAMPLE_S = 1.0

SLOWER = 3
"""Exit code if nothing but the latency has grown."""


async def soak(minutes: float, rate: float | None, *, verifies: bool) -> int:
    """Run it and print what was found; returns the exit code."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        deployment, client, api_pid = await stack.enter_async_context(
            services(
                await stack.enter_async_context(kafka()),
                await stack.enter_async_context(redis_server()),
                folder,
                token_s=60 * minutes + 600,
                OBZVON_CACHED_TASKS=str(CACHED_TASKS),
            )
        )
        probe = Probe(deployment.topic.bootstrap, deployment.topic.events, client)
        maximum = await _maximum_rate(deployment)
        rate = rate or maximum / 2
        print(
            f"Maximum rate {maximum:,.0f} events/s; soaking {minutes:g} min at {rate:,.0f}",
            flush=True,
        )
        pids = {"projector": deployment.projectors[0].child.pid, "API": api_pid}
        memory, latency = await _sampled(probe, pids, deployment, rate, minutes)
        if not memory or (verifies and not await _verified(deployment)):
            return 1
        return 0 if latency else SLOWER


async def _maximum_rate(deployment: Deployment) -> float:
    """Returns the events a second applied while more arrive than can be; ends when all are."""
    load = Load(61, rate=1_000_000, keeps=False, **FEW)
    flowing = asyncio.create_task(load.run(deployment.topic.bootstrap, deployment.topic.events))
    await asyncio.sleep(FILLING_S)
    before, started = await deployment.applied(), time.perf_counter()
    await asyncio.sleep(FILLING_S)
    found: float = (await deployment.applied() - before) / (time.perf_counter() - started)
    print(f"Offered at most {load.sent / (2 * FILLING_S):,.0f} events/s", flush=True)
    load.stop()
    await flowing
    await deployment.caught_up()
    return found


class Probe:
    """Publishes an event of its own and waits until the API shows it."""

    def __init__(self, bootstrap: str, topic: str, client: httpx.AsyncClient) -> None:
        self._topic = topic
        self._client = client
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap)
        self._sent = 0

    async def __aenter__(self) -> Self:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def seen(self) -> int:
        answer = await self._client.get("/api/v1/report", params={"operator_id": "probe"})
        answer.raise_for_status()
        return int(answer.json()["totals"]["planned"])

    async def latency(self) -> float:
        """Milliseconds from publishing to seeing."""
        self._sent += 1
        now = datetime.now(ZONE)
        task = f"probe-{self._sent}"
        data = {
            "client": {"id": "c", "name": "c"},
            "address": {"id": "a", "text": "a"},
            "contact_date": now.date().isoformat(),
            "operator": {"id": "probe", "name": "Проба"},
        }
        event = cloud_event("planned", task, now.isoformat(), data, id=task, source="/soak")
        started = time.perf_counter()
        await self._producer.send_and_wait(self._topic, to_json(event), key=task.encode())

        async def is_seen() -> bool:
            return await self.seen() >= self._sent

        await until(is_seen, within_s=60.0, every_s=0.005)
        return (time.perf_counter() - started) * 1000


async def _sampled(
    probe: Probe, pids: dict[str, int], deployment: Deployment, rate: float, minutes: float
) -> tuple[bool, bool]:
    """Returns whether the memory, and whether the latency, stayed the same."""
    sizes: dict[str, list[float]] = {name: [] for name in pids}
    latencies: list[float] = []
    load = Load(62, rate=int(rate), keeps=False, **FEW)
    flowing = asyncio.create_task(load.run(deployment.topic.bootstrap, deployment.topic.events))
    ends = time.monotonic() + 60 * minutes
    try:
        async with probe:
            while time.monotonic() < ends:
                next_ = time.monotonic() + SAMPLE_S
                latencies.append(await probe.latency())
                for name, pid in pids.items():
                    sizes[name].append(psutil.Process(pid).memory_info().rss / 2**20)
                await asyncio.sleep(max(0.0, next_ - time.monotonic()))
                assert not flowing.done(), "the load has ended"
    finally:
        load.stop()
        await flowing
    print(f"{load.sent:,} events in {load.seconds:.0f} s: {load.rate:,.0f} a second")
    flat = [
        _told(f"memory of the {name}, MiB", found, MOST_GROWTH) for name, found in sizes.items()
    ]
    return all(flat), _told("publish to visible, ms", latencies, MOST_SLOWER)


async def _verified(deployment: Deployment) -> bool:
    await deployment.caught_up()
    differences = await deployment.verified(VERIFY_S)
    print(f"verify: {differences} differences")
    return not differences


def _told(what: str, samples: Sequence[float], most: float) -> bool:
    """Print the medians of the first and the last third; returns whether they are close enough."""
    third = max(1, len(samples) // 3)
    first, last = statistics.median(samples[:third]), statistics.median(samples[-third:])
    is_flat = last <= first * most
    print(
        f"{what:28} first third {first:8.1f}, last third {last:8.1f}, "
        f"ratio {last / first:.2f} (at most {most:g}): {'flat' if is_flat else 'GROWS'}"
    )
    return is_flat


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--minutes", type=float, default=float(os.environ.get("SOAK_MINUTES", "15"))
    )
    parser.add_argument(
        "--rate",
        type=float,
        default=float(os.environ.get("SOAK_RATE", "0")) or None,
        help="events a second; half the maximum unless given",
    )
    parser.add_argument(
        "--no-verify",
        dest="verifies",
        action="store_false",
        help="verify folds all events again, which takes half as long as the soak did",
    )
    given = parser.parse_args()
    sys.exit(asyncio.run(soak(given.minutes, given.rate, verifies=given.verifies)))


if __name__ == "__main__":
    main()
