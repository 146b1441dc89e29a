"""From publish to visible: sends an event to Kafka and reads GET /report until it is counted.

Apache Kafka, Redis, the projector and the API, each in a process of its own. Beside the probe, a
background load of events keeps the projector busy; it flows for a while before anything is measured,
since a JVM that has just started is busy with compiling.

    PYTHONPATH=tests python bench/bench_latency.py [--rate 1000] [--seconds 30]
"""

import argparse
import asyncio
import json
import statistics
import tempfile
import time
import uuid
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import uvloop
from aiokafka import AIOKafkaProducer

from contracts.events import STRUCTURED_CONTENT_TYPE
from engines import engines
from running import services
from support.events import cloud_event

HEADERS = [("content-type", STRUCTURED_CONTENT_TYPE.encode())]
PROBE_EVERY_S = 0.05
PROBE_OPERATOR = "op-probe"
GIVE_UP_S = 10.0
WARM_S = 15.0


def planned(task: str, operator: str) -> bytes:
    now = datetime.now(UTC)
    data = {
        "operator": {"id": operator, "name": f"Оператор {operator}"},
        "client": {"id": f"c-{task}", "name": "ООО Ромашка"},
        "address": {"id": f"a-{task}", "text": "г. Казань, ул. Баумана, 15"},
        "contact_date": now.date().isoformat(),
    }
    event = cloud_event(
        "planned", task, now.isoformat(), data, id=uuid.uuid4().hex, source="/bench"
    )
    return json.dumps(event, ensure_ascii=False).encode()


async def load(
    producer: AIOKafkaProducer, topic: str, rate: int, until: float, name: str = "load"
) -> int:
    """Publish at a steady rate, in steps of ten milliseconds; returns how many events that were."""
    sent, started = 0, time.perf_counter()
    while (now := time.perf_counter()) < until:
        for _ in range(int((now - started) * rate) - sent):
            task = f"{name}-{sent}"
            value = planned(task, f"op-{sent % 200}")
            await producer.send(topic, key=task.encode(), value=value, headers=HEADERS)
            sent += 1
        await asyncio.sleep(0.01)
    return sent


async def probe(
    producer: AIOKafkaProducer, topic: str, client: httpx.AsyncClient, until: float
) -> list[float]:
    """Milliseconds from the call of send to the answer that counts the event."""
    found: list[float] = []
    counted = 0
    while time.perf_counter() < until:
        task = f"probe-{counted}"
        value = planned(task, PROBE_OPERATOR)
        started = time.perf_counter()
        await producer.send(topic, key=task.encode(), value=value, headers=HEADERS)
        counted += 1
        while await probe_count(client) < counted:
            if time.perf_counter() - started > GIVE_UP_S:
                raise SystemExit(f"event {counted} was not visible within {GIVE_UP_S} s")
        found.append((time.perf_counter() - started) * 1000)
        await asyncio.sleep(PROBE_EVERY_S)
    return found


async def probe_count(client: httpx.AsyncClient) -> int:
    answer = await client.get("/api/v1/report", params={"operator_id": PROBE_OPERATOR})
    answer.raise_for_status()
    totals: dict[str, Any] = answer.json()["totals"]
    return int(totals["planned"])


async def measure(rate: int, seconds: float) -> None:
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        deployment, client, _ = await stack.enter_async_context(
            services(*await stack.enter_async_context(engines()), folder, token_s=seconds + 600)
        )
        producer = AIOKafkaProducer(
            bootstrap_servers=deployment.topic.bootstrap, acks="all", linger_ms=0
        )
        await producer.start()
        await load(producer, deployment.topic.events, rate, time.perf_counter() + WARM_S, "warm")
        until = time.perf_counter() + seconds
        sent, found = await asyncio.gather(
            load(producer, deployment.topic.events, rate, until),
            probe(producer, deployment.topic.events, client, until),
        )
        await producer.stop()
    cuts = statistics.quantiles(found, n=100)
    print(f"Load: {sent / seconds:,.0f} events/s for {seconds:.0f} s; {len(found)} probes")
    print(f"publish → visible in GET /report: p50 {cuts[49]:.1f} ms   bar 50 ms")
    print(f"publish → visible in GET /report: p99 {cuts[98]:.1f} ms   bar 250 ms")
    print(f"worst {max(found):.1f} ms")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rate", type=int, default=1_000)
    parser.add_argument("--seconds", type=float, default=30)
    arguments = parser.parse_args()
    uvloop.run(measure(arguments.rate, arguments.seconds))


if __name__ == "__main__":
    main()
