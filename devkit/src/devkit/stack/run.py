"""The whole stack on one machine: Kafka, Redis, the issuer, the projector and the API.

All of it is bound to 127.0.0.1, and keeps its data in one folder (see `devkit.stack.state`).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import httpx

from devkit.errors import StackError
from devkit.stack.configuration import (
    StackOptions,
    choose_ports,
    describe_stack,
    inherited_environment,
    log_file,
    service_commands,
)
from devkit.stack.engines import EmbeddedKafka, EmbeddedRedis
from devkit.stack.processes import Child
from devkit.stack.readiness import parked_shards, try_get, wait_until_ready
from devkit.stack.state import (
    StackState,
    announce_stack,
    empty_data_dir,
    hold_data_dir,
    keep_previous_logs,
)
from devkit.stack.topics import create_topics

KAFKA_WARNING_BYTES = 500 * 1024 * 1024
"""Size from which on the embedded Kafka becomes slow: it rewrites all its data as one file."""

SIZE_EVERY_S = 60.0
"""Seconds between two checks of the size of Kafka's data."""

SHARDS_EVERY_S = 2.0
"""Seconds between two checks of the projector's shards."""


class Stack:
    """A running stack; `run_stack` starts one."""

    def __init__(self, state: StackState, kafka: EmbeddedKafka, children: list[Child]) -> None:
        self.state = state
        self._kafka = kafka
        self._children = children

    async def watch(self, warn: Callable[[str], None]) -> None:
        """Watch until a child ends, which is a `StackError`; warn once of each other problem."""
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
            "rewrites: start over with --fresh, or use a real broker"
        )

    async def _watch_shards(self, warn: Callable[[str], None]) -> None:
        """Warn of parked shards: they do not continue by themselves, so their figures do not change."""
        url = f"{self.state.projector}/readyz"
        async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
            while True:
                parked = parked_shards(await try_get(client, url))
                if parked:
                    break
                await asyncio.sleep(SHARDS_EVERY_S)
        first, *others = parked
        more = f" (and {len(others)} more shards)" if others else ""
        warn(
            f"the report stands still: {first}{more}; start over with --fresh, or `obzvon rebuild`"
        )


@asynccontextmanager
async def run_stack(options: StackOptions) -> AsyncIterator[Stack]:
    """Start everything in order, until all services are ready; stop it in the reverse order."""
    data_dir = options.data_dir.absolute()
    async with AsyncExitStack() as running:
        running.enter_context(hold_data_dir(data_dir))
        if options.fresh:
            empty_data_dir(data_dir)
        keep_previous_logs(data_dir / "logs")
        ports = choose_ports(data_dir, options)
        (data_dir / "ports.json").write_text(json.dumps(ports))
        children: list[Child] = []

        kafka = EmbeddedKafka(data_dir / "kafka", ports["kafka"], log=log_file(data_dir, "kafka"))
        server = EmbeddedRedis(
            data_dir / "redis", ports["redis"], durable=True, log=log_file(data_dir, "redis")
        )
        for engine in (kafka, server):
            await running.enter_async_context(engine)
            assert engine.child is not None
            children.append(engine.child)

        state = describe_stack(data_dir, ports, kafka, server)
        await create_topics(
            kafka.bootstrap, state.events_topic, state.dead_letter_topic, options.partitions
        )
        environment = {**inherited_environment(), **state.settings, "PYTHONUNBUFFERED": "1"}
        for name, command in service_commands(data_dir, ports).items():
            child = Child(name, command, log=log_file(data_dir, name.lower()), env=environment)
            children.append(await running.enter_async_context(child))
        await wait_until_ready(
            children,
            {
                "issuer": f"{state.issuer}/jwks",
                "projector": f"{state.projector}/readyz",
                "API": f"{state.api}/readyz",
            },
        )
        running.enter_context(announce_stack(state, {child.name: child.pid for child in children}))
        yield Stack(state, kafka, children)


async def run_together(*works: Coroutine[Any, Any, Any]) -> None:
    """Run all of them until they have ended; if one fails, the others are cancelled."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
