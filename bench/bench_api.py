"""What the API costs: requests a second compared with bare FastAPI, and open streams.

One worker, a verified token, a Redis whose shards hold a day of 200 operators; load by wrk.
A share is taken of processor time per request, which other work on the machine disturbs less
than requests a second; both are printed.

    PYTHONPATH=tests python bench/bench_api.py [--seconds 5] [--streams 1000]
"""

import argparse
import asyncio
import itertools
import os
import re
import resource
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import psutil
import redis.asyncio
import uvloop

from devkit.stack.ports import free_port
from engines import redis_server
from support.events import DAY, called, planned
from support.issuer import running_issuer
from support.waiting import until
from support.writer import Writer

OPERATORS = 200
TASKS = 20
"""Contacts of each operator."""

ROUNDS = 2
CONNECTIONS = 32
CHANGES_A_SECOND = 4
STREAM_S = 10.0

IDENTITY = {"Accept-Encoding": "identity"}


class Rate(NamedTuple):
    per_second: float
    p99: str
    cpu_us: float
    """Microseconds of processor time of the API per request."""


class App(NamedTuple):
    url: str
    process: psutil.Process

    def cpu(self) -> float:
        times = self.process.cpu_times()
        return float(times.user + times.system)


class Api(NamedTuple):
    app: App
    bare: App
    token: str
    writer: Writer

    @property
    def url(self) -> str:
        return self.app.url

    @property
    def authorization(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.token}"}


@asynccontextmanager
async def running() -> AsyncIterator[Api]:
    async with redis_server() as redis_url, running_issuer() as issuer:
        client = redis.asyncio.from_url(redis_url)
        writer = await Writer(client, partitions=8).start()
        await writer.write(
            planned(
                f"T{operator}-{task}",
                operator=f"op-{operator}",
                operator_name=f"Иванова Анна Сергеевна {operator}",
                manager=f"mgr-{operator % 10}",
                plan_date="2026-11-25",
            )
            for operator, task in itertools.product(range(OPERATORS), range(TASKS))
        )
        port, bare_port = free_port(), free_port()
        env = os.environ | {
            "OBZVON_REDIS_URL": redis_url,
            "OBZVON_OIDC_ISSUER": issuer.url,
            "OBZVON_RATE_LIMIT": "none",
            "OBZVON_API_PORT": str(port),
            "OBZVON_MAX_STREAMS_PER_CALLER": "100000",
            "OBZVON_LOG_LEVEL": "error",
        }
        bare_app = Path(__file__).with_name("bench_bare_app.py")
        async with (
            _process(port, "-m", "query_api", env=env) as app,
            _process(bare_port, str(bare_app), str(bare_port), issuer.url, env=env) as bare,
        ):
            token = issuer.token("head", exp=int(time.time()) + 3_600)
            yield Api(app, bare, token, writer)
        await client.aclose()


@asynccontextmanager
async def _process(port: int, *arguments: str, env: dict[str, str]) -> AsyncIterator[App]:
    process = await asyncio.create_subprocess_exec(sys.executable, *arguments, env=env)
    try:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient() as http:
            await until(lambda: _ready(http, url), within_s=30)
        yield App(url, psutil.Process(process.pid))
    finally:
        process.terminate()
        await process.wait()


async def _ready(http: httpx.AsyncClient, url: str) -> bool:
    try:
        return (await http.get(f"{url}/readyz")).status_code == 200
    except httpx.HTTPError:
        return False


async def rate(app: App, path: str, seconds: int, headers: dict[str, str]) -> Rate:
    """Returns what wrk measures."""
    given = {**IDENTITY, **headers}
    options = [f"-H{name}: {value}" for name, value in given.items()]
    before = app.cpu()
    process = await asyncio.create_subprocess_exec(
        *("wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", *options),
        f"{app.url}{path}",
        stdout=subprocess.PIPE,
    )
    out = (await process.communicate())[0].decode()
    used = app.cpu() - before
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
    assert refused is None, out
    requests = int(_figure(r"(\d+) requests in", out))
    per_second = float(_figure(r"Requests/sec:\s+([\d.]+)", out))
    return Rate(per_second, _figure(r"99%\s+(\S+)", out), used / requests * 1e6)


def _figure(pattern: str, out: str) -> str:
    found = re.search(pattern, out)
    assert found, out
    return found[1]


async def requests_a_second(api: Api, seconds: int) -> None:
    async with httpx.AsyncClient(headers={**api.authorization, **IDENTITY}, timeout=30) as http:
        report = await http.get(f"{api.url}/api/v1/report", params={"date": DAY})
        names = ("etag", "cache-control", "vary", "obzvon-as-of", "obzvon-lag-events")
        sent = {f"x-{name}": report.headers[name] for name in names}
        await http.put(f"{api.bare.url}/", content=report.content, headers=sent)
        print(f"A report of {OPERATORS} operators: {len(report.content):,} bytes")
        known = {"If-None-Match": report.headers["etag"]}
        path = f"/api/v1/report?date={DAY}"
        rows = {
            "FastAPI alone, the same bytes": (api.bare, "/report", {}),
            "warm report": (api.app, path, {}),
            "FastAPI alone, 304": (api.bare, "/not-modified", {}),
            "304": (api.app, path, known),
        }
        measured: dict[str, list[Rate]] = {name: [] for name in rows}
        for _ in range(ROUNDS):  # in turns, so that other load of the machine affects all alike
            for name, (app, url, headers) in rows.items():
                given = {**api.authorization, **headers}
                measured[name].append(await rate(app, url, seconds, given))
        best = {name: min(rates, key=lambda one: one.cpu_us) for name, rates in measured.items()}
        print(f"{'':32}{'requests/s':>12}{'p99':>12}{'cpu µs/request':>16}")
        for name, one in best.items():
            print(f"{name:32}{one.per_second:>12,.0f}{one.p99:>12}{one.cpu_us:>16.0f}")
        for name, bare in (
            ("warm report", "FastAPI alone, the same bytes"),
            ("304", "FastAPI alone, 304"),
        ):
            share = best[bare].cpu_us / best[name].cpu_us
            by_rate = best[name].per_second / best[bare].per_second
            print(
                f"{name}: {share:.2f} of {bare} by processor time, {by_rate:.2f} by rate; bar 0.70"
            )
        cold = []
        for number in range(20):
            await api.writer.write([called(f"T{number}-0")])
            started = time.perf_counter()
            await http.get(f"{api.url}/api/v1/report", params={"date": DAY, "manager_id": "mgr-1"})
            await http.get(f"{api.url}/api/v1/report", params={"date": f"2026-12-{number + 1:02}"})
            cold.append((time.perf_counter() - started) * 500)
        print(f"cold report: p50 {statistics.median(cold):.1f} ms, worst {max(cold):.1f} ms")


class Listener(asyncio.Protocol):
    """Reads one stream as cheaply as possible, and notes how old each report is when it arrives."""

    def __init__(self, api: Api, ages: list[float]) -> None:
        self._api = api
        self._ages = ages

    def connection_made(self, transport: Any) -> None:
        transport.write(
            f"GET /api/v1/stream?date={DAY} HTTP/1.1\r\nHost: bench\r\n"
            f"Authorization: Bearer {self._api.token}\r\n\r\n".encode()
        )

    def data_received(self, data: bytes) -> None:
        at = data.find(b'"computed_at":"')
        if at >= 0 and b"event: report" in data[:at]:
            moment = datetime.fromisoformat(data[at + 15 : data.index(b'"', at + 15)].decode())
            self._ages.append((time.time() - moment.timestamp()) * 1000)


async def open_streams(api: Api, count: int) -> None:
    loop = asyncio.get_running_loop()
    port = int(api.url.rsplit(":", 1)[1])
    ages: list[float] = []
    before = api.app.process.memory_info().rss
    transports: list[Any] = []
    for _ in range(count):
        transport, _protocol = await loop.create_connection(
            lambda: Listener(api, ages), "127.0.0.1", port
        )
        transports.append(transport)
    await until(lambda: len(ages) >= count, within_s=60)
    memory = api.app.process.memory_info().rss - before
    ages.clear()
    cpu, started, changes = api.app.cpu(), time.perf_counter(), 0
    while time.perf_counter() - started < STREAM_S:
        await api.writer.write([called(f"T{changes % OPERATORS}-1")])
        changes += 1
        await asyncio.sleep(1 / CHANGES_A_SECOND)
    elapsed = time.perf_counter() - started
    used = api.app.cpu() - cpu
    for transport in transports:
        transport.abort()
    cuts = statistics.quantiles(ages, n=100)
    print(
        f"{count} open streams, {changes / elapsed:.1f} changes/s: {len(ages):,} reports received"
    )
    print(
        f"cpu {used / elapsed / count * 1e6:.0f} µs a second per stream, {used / elapsed:.0%} of one processor"
    )
    print(f"memory {memory / count / 1024:.0f} KiB per stream")
    print(f"push → received: p50 {cuts[49]:.0f} ms, p99 {cuts[98]:.0f} ms; bar 150 ms")


async def measure(seconds: int, streams: int) -> None:
    async with running() as api:
        await requests_a_second(api, seconds)
        if streams:
            await open_streams(api, streams)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=int, default=5, help="of each load")
    parser.add_argument("--streams", type=int, default=1_000)
    arguments = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("bench_api: wrk is not installed: apt-get install wrk")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 65_536)), hard))
    uvloop.run(measure(arguments.seconds, arguments.streams))


if __name__ == "__main__":
    main()
