"""The whole stack on one machine: Kafka, Redis, the issuer, the projector and the API.

All of it is bound to 127.0.0.1, and keeps its data in one folder (see `devkit.stack.state`).
"""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from devkit.errors import StackError
from devkit.stack.engines import EmbeddedKafka, EmbeddedRedis
from devkit.stack.issuer.tokens import AUDIENCE, CLIENT_ID, ROLES_CLAIM, issuer_url
from devkit.stack.processes import HOST, Child, claim_port, free_port, port_is_free
from devkit.stack.state import (
    DEFAULT_DATA_DIR,
    StackState,
    empty,
    exclusive,
    published,
    set_logs_aside,
)
from devkit.stack.topics import PARTITIONS, create_topics

READY_TIMEOUT_S = 60.0
"""Seconds the projector and the API may take until they are ready."""

POLL_S = 0.2
"""Seconds between two questions whether the services are ready."""

KAFKA_WARNING_BYTES = 500 * 1024 * 1024
"""The embedded Kafka rewrites all its data as one file; above this it becomes a burden."""

SIZE_EVERY_S = 60.0
"""Seconds between two looks at the size of Kafka's data."""

SHARDS_EVERY_S = 2.0
"""Seconds between two looks at the projector's shards."""

_USUAL_PORTS = {"kafka": 9092, "redis": 6379, "issuer": 8090, "projector": 8081, "api": 8080}

_OURS = ("OBZVON_KAFKA_", "OBZVON_REDIS_", "OBZVON_ACCESS_REDIS_", "OBZVON_OIDC_")
"""Settings of the surroundings that the stack replaces: they name other engines."""

_SECRETS = ("SECRET", "PASSWORD", "TOKEN")
"""Settings whose name holds one of these are not written to the state file."""


@dataclass(frozen=True)
class StackOptions:
    """What `up` and `demo` are told. A port that is None is the usual one, or any if it is taken."""

    data_dir: Path = DEFAULT_DATA_DIR
    fresh: bool = False
    kafka_port: int | None = None
    redis_port: int | None = None
    api_port: int | None = None
    partitions: int = PARTITIONS


class Stack:
    """A running stack; `run_stack` makes one."""

    def __init__(self, state: StackState, kafka: EmbeddedKafka, children: list[Child]) -> None:
        self.state = state
        self._kafka = kafka
        self._children = children

    async def watch(self, warn: Callable[[str], None]) -> None:
        """Run until a child ends, which is a `StackError`; warn once of what else goes wrong."""
        await run_together(self._watch_children(), self._watch_size(warn), self._watch_shards(warn))

    async def _watch_children(self) -> None:
        if not self._children:
            return
        ends = [asyncio.create_task(child.exited()) for child in self._children]
        try:
            await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for end in ends:
                end.cancel()
        raise StackError(next(c.how_it_ended() for c in self._children if not c.is_running))

    async def _watch_size(self, warn: Callable[[str], None]) -> None:
        while True:
            size = self._kafka.size
            if size > KAFKA_WARNING_BYTES:
                break
            await asyncio.sleep(SIZE_EVERY_S)
        warn(
            f"the embedded Kafka holds {size / 2**20:.0f} MB, all of it in one file that it "
            "rewrites: begin anew with --fresh, or use a real broker"
        )

    async def _watch_shards(self, warn: Callable[[str], None]) -> None:
        """A shard that is parked does not go on by itself: its figures stand still."""
        url = f"{self.state.projector}/readyz"
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            while True:
                parked = _parked(await _ask(client, url))
                if parked:
                    break
                await asyncio.sleep(SHARDS_EVERY_S)
        first, *others = parked
        more = f" (and {len(others)} more shards)" if others else ""
        warn(
            f"the report stands still: {first}{more}; begin anew with --fresh, or `obzvon rebuild`"
        )


@asynccontextmanager
async def run_stack(options: StackOptions) -> AsyncIterator[Stack]:
    """Start everything, in order, until both services are ready; stop it in the other order."""
    data_dir = options.data_dir.absolute()
    async with AsyncExitStack() as running:
        running.enter_context(exclusive(data_dir))
        if options.fresh:
            empty(data_dir)
        set_logs_aside(data_dir / "logs")
        ports = _choose_ports(data_dir, options)
        (data_dir / "ports.json").write_text(json.dumps(ports))
        children: list[Child] = []

        kafka = EmbeddedKafka(data_dir / "kafka", ports["kafka"], log=_log(data_dir, "kafka"))
        server = EmbeddedRedis(
            data_dir / "redis", ports["redis"], durable=True, log=_log(data_dir, "redis")
        )
        for engine in (kafka, server):
            await running.enter_async_context(engine)
            assert engine.child is not None
            children.append(engine.child)

        state = _describe(data_dir, ports, kafka, server)
        await create_topics(
            kafka.bootstrap, state.events_topic, state.dead_letter_topic, options.partitions
        )
        environment = {**_surroundings(), **state.settings, "PYTHONUNBUFFERED": "1"}
        for name, command in _services(data_dir, ports).items():
            child = Child(name, command, log=_log(data_dir, name.lower()), env=environment)
            children.append(await running.enter_async_context(child))
        await _ready(
            children,
            {
                "issuer": f"{state.issuer}/jwks",
                "projector": f"{state.projector}/readyz",
                "API": f"{state.api}/readyz",
            },
        )
        running.enter_context(published(state, {child.name: child.pid for child in children}))
        yield Stack(state, kafka, children)


def _log(data_dir: Path, name: str) -> Path:
    return data_dir / "logs" / f"{name}.log"


def _services(data_dir: Path, ports: Mapping[str, int]) -> dict[str, list[str]]:
    return {
        "issuer": [
            *(sys.executable, "-m", "devkit.stack.issuer"),
            *("--data-dir", str(data_dir / "issuer"), "--port", str(ports["issuer"])),
        ],
        "projector": [sys.executable, "-m", "devkit.stack.embedded_fetch", "projector"],
        "API": [sys.executable, "-m", "query_api"],
    }


def _surroundings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(_OURS)}


def _describe(
    data_dir: Path, ports: Mapping[str, int], kafka: EmbeddedKafka, server: EmbeddedRedis
) -> StackState:
    surroundings = _surroundings()
    api = f"http://{HOST}:{ports['api']}"
    issuer = issuer_url(ports["issuer"])
    given = {
        name: value
        for name, value in surroundings.items()
        if name.startswith("OBZVON_") and not any(secret in name for secret in _SECRETS)
    }
    events = given.get("OBZVON_EVENTS_TOPIC", "task-events")
    dead_letters = given.get("OBZVON_DEAD_LETTER_TOPIC", f"{events}.dlq")
    return StackState(
        pid=os.getpid(),
        data_dir=data_dir,
        api=api,
        issuer=issuer,
        projector=f"http://{HOST}:{ports['projector']}",
        kafka=kafka.bootstrap,
        redis=server.url,
        events_topic=events,
        dead_letter_topic=dead_letters,
        children={},
        settings={
            **given,
            "OBZVON_KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "OBZVON_EVENTS_TOPIC": events,
            "OBZVON_DEAD_LETTER_TOPIC": dead_letters,
            "OBZVON_REDIS_URL": server.url,
            "OBZVON_ACCESS_REDIS_URL": f"redis://{server.address}/1",
            "OBZVON_PROJECTOR_HOST": HOST,
            "OBZVON_PROJECTOR_PORT": str(ports["projector"]),
            "OBZVON_API_HOST": HOST,
            "OBZVON_API_PORT": str(ports["api"]),
            "OBZVON_PUBLIC_URL": api,
            "OBZVON_OIDC_ISSUER": issuer,
            "OBZVON_OIDC_AUDIENCE": AUDIENCE,
            "OBZVON_OIDC_JWKS_URL": f"{issuer}/jwks",
            "OBZVON_OIDC_ROLES_CLAIM": ROLES_CLAIM,
            "OBZVON_OIDC_CLIENT_ID": CLIENT_ID,
        },
    )


def _choose_ports(data_dir: Path, options: StackOptions) -> dict[str, int]:
    """A given port must be free; else last time's or the usual one, if free, or any other."""
    given = {
        "kafka": options.kafka_port,
        "redis": options.redis_port,
        "api": options.api_port,
    }
    try:
        preferred = {**_USUAL_PORTS, **json.loads((data_dir / "ports.json").read_text())}
    except (OSError, ValueError, TypeError):
        preferred = _USUAL_PORTS
    chosen: dict[str, int] = {}
    for name in sorted(_USUAL_PORTS, key=lambda name: given.get(name) is None):
        wanted = given.get(name)
        if wanted is not None:
            chosen[name] = claim_port(wanted, f"--{name}-port", name)
            if list(chosen.values()).count(chosen[name]) > 1:
                raise StackError(f"port {wanted} is given twice: give each its own")
        else:
            port = preferred[name]
            is_ours = port not in chosen.values() and port_is_free(port)
            chosen[name] = port if is_ours else free_port()
    return chosen


async def _ready(children: list[Child], urls: Mapping[str, str]) -> None:
    """Wait until every address answers that it is ready.

    A child that ends, or too long a wait, is an error. A projector with parked shards counts as
    ready: waiting does not help it, and what does needs a running stack.
    """
    waiting = dict(urls)
    last: dict[str, str] = {}
    give_up = asyncio.get_running_loop().time() + READY_TIMEOUT_S
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        while waiting:
            for name, url in list(waiting.items()):
                answer = await _ask(client, url)
                if answer is not None and (answer.status_code == 200 or _parked(answer)):
                    del waiting[name]
                elif answer is not None:
                    last[name] = " ".join(answer.text.split())
            for child in children:
                if not child.is_running:
                    raise StackError(child.how_it_ended())
            if waiting and asyncio.get_running_loop().time() > give_up:
                name = next(iter(waiting))
                says = last.get(name, "it does not answer")
                raise StackError(
                    f"the {name} is not ready after {READY_TIMEOUT_S:.0f} s: {says} "
                    f"(logs: {children[0].log.parent})"
                )
            await asyncio.sleep(POLL_S)


async def _ask(client: httpx.AsyncClient, url: str) -> httpx.Response | None:
    """The answer, whatever it says; None if there is none."""
    try:
        return await client.get(url)
    except httpx.HTTPError:
        return None


def _parked(answer: httpx.Response | None) -> list[str]:
    """Why which shards are parked, as the projector's /readyz tells it."""
    if answer is None or answer.status_code == 200:
        return []
    try:
        shards = answer.json().get("shards", {})
        return [reason for reason in shards.values() if reason.startswith("parked")]
    except (ValueError, AttributeError):
        return []


async def run_together(*works: Coroutine[Any, Any, Any]) -> None:
    """Run all of them until all have ended or one fails; then the others are cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
