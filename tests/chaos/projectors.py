"""Projectors as separate processes, and the check that follows every fault."""

import asyncio
import re
import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from signal import Signals
from typing import Any

import httpx
from aiokafka import AIOKafkaConsumer, TopicPartition

from chaos import results
from chaos.histories import ZONE, report_days
from chaos.independent import Event, Figures, Rules
from contracts.keys import ShardKeys
from contracts.meta import Meta
from contracts.values import Cell, split_hours
from devkit.stack.ports import free_port
from devkit.stack.processes import Child
from projector.store.client import connect
from projector.store.generations import FIRST, keys_of, live_pointer
from runtime.redis import RETRYABLE, RedisClient
from support.api import running_api
from support.courses import Course, course_of_slots
from support.issuer import running_issuer
from support.processes import CommandResult, clean_environment, ended
from support.topics import Topic
from support.waiting import until

SESSION_TIMEOUT_MS = 2_000
"""Short, so that the group notices a death soon; the brokers of these tests have `SHORT_SESSIONS`."""

_OTHER_FOLD = """
import sys
import projector.__main__, projector.fold.projection, projector.fold.version
projector.fold.version.FOLD_VERSION = int(sys.argv[1])
if projector.fold.version.FOLD_VERSION < 2:  # it knew no course of a day
    projector.fold.projection.Projection._change_hours = lambda *difference: None
sys.exit(projector.__main__.main(sys.argv[2:]))
"""
"""`python -m projector` as another release would be: one whose fold has another version."""


class ProjectorProcess:
    """One `python -m projector`."""

    def __init__(
        self,
        deployment: "Deployment",
        name: str,
        *arguments: str,
        fold: int | None = None,
        **settings: str,
    ) -> None:
        """`fold` is the version of its fold if that is not the current one."""
        self.port = free_port()
        environment = deployment.environment(
            OBZVON_PROJECTOR_PORT=str(self.port),
            **{"OBZVON_SESSION_TIMEOUT_MS": str(SESSION_TIMEOUT_MS), **settings},
        )
        command = [sys.executable, "-m", "projector", *(arguments or ("run",))]
        if fold is not None:
            command[1:3] = ["-c", _OTHER_FOLD, str(fold)]
        self.child = Child(
            f"projector {name}",
            command,
            log=deployment.folder / f"projector-{name}.log",
            env=environment,
        )
        self.child.start()

    @property
    def log(self) -> str:
        return self.child.log.read_text(errors="replace")

    def freeze(self) -> None:
        self.child.send(Signals.SIGSTOP)

    def thaw(self) -> None:
        self.child.send(Signals.SIGCONT)

    async def health(self, path: str = "/readyz") -> tuple[int, str]:
        """Returns (status, body); (0, "") while it cannot be reached."""
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=2.0) as client:
                answer = await client.get(f"http://127.0.0.1:{self.port}{path}")
        except httpx.HTTPError:
            return 0, ""
        return answer.status_code, answer.text

    async def is_ready(self) -> bool:
        assert self.child.is_running, self.child.how_it_ended()
        return (await self.health())[0] == 200

    async def ready(self, within_s: float = 40.0) -> None:
        await until(self.is_ready, within_s, every_s=0.1)

    async def owned(self) -> int:
        """Returns how many shards it applies records to."""
        _, text = await self.health("/metrics")
        return len(re.findall(r"^obzvon_live\{.*\} 1\.0$", text, re.MULTILINE))


@dataclass
class Deployment:
    """A topic, a Redis, a folder for logs, and the projectors that were started here."""

    topic: Topic
    redis_url: str
    folder: Path
    projectors: list[ProjectorProcess] = field(default_factory=list)

    def environment(self, **more: str) -> dict[str, str]:
        return {
            **clean_environment(),
            "OBZVON_KAFKA_BOOTSTRAP_SERVERS": self.topic.bootstrap,
            "OBZVON_EVENTS_TOPIC": self.topic.events,
            "OBZVON_DEAD_LETTER_TOPIC": self.topic.dead_letters,
            "OBZVON_REDIS_URL": self.redis_url,
            **more,
        }

    def projector(
        self,
        name: str | None = None,
        *arguments: str,
        fold: int | None = None,
        **settings: str,
    ) -> ProjectorProcess:
        """Start one more."""
        name = name or str(len(self.projectors))
        made = ProjectorProcess(self, name, *arguments, fold=fold, **settings)
        self.projectors.append(made)
        return made

    # --- what Redis holds -------------------------------------------------------------------------

    async def live(self) -> str:
        """Returns the live generation; the first one while none is recorded."""
        async with self.redis() as client:
            return await _live(client)

    async def metas(self) -> list[Meta | None]:
        """Those of the live generation."""
        async with self.redis() as client:
            generation = await _live(client)
            keys = [ShardKeys(generation, shard).meta for shard in range(self.topic.partitions)]
            return [Meta.decode(await client.hgetall(key)) for key in keys]

    async def dead(self) -> dict[str, int]:
        """Returns the dead letters by reason, over all shards."""
        found: dict[str, int] = {}
        async with self.redis() as client:
            generation = await _live(client)
            for shard in range(self.topic.partitions):
                counts = await client.hgetall(ShardKeys(generation, shard).dead)
                for reason, number in counts.items():
                    found[reason.decode()] = found.get(reason.decode(), 0) + int(number)
        return found

    async def courses(self, day: str) -> dict[str | None, Course]:
        """Operator id → the course of their day, in the live generation; None → that of all."""
        slots: dict[str | None, list[dict[int, int]]] = {None: []}
        async with self.redis() as client:
            generation = await _live(client)
            for shard in range(self.topic.partitions):
                hours = await client.hgetall(ShardKeys(generation, shard).hours(day))
                for field_, value in hours.items():
                    found = split_hours(value)
                    slots.setdefault(Cell.decode(field_).operator or "", []).append(found)
                    slots[None].append(found)
        return {who: course_of_slots(many) for who, many in slots.items()}

    async def keys(self, generation: str) -> int:
        """How many keys a generation has."""
        async with self.redis() as client:
            return len({key async for key in keys_of(client, generation)})

    @asynccontextmanager
    async def redis(self) -> AsyncIterator[RedisClient]:
        client = connect(self.redis_url)
        try:
            yield client
        finally:
            await client.aclose()

    async def applied(self) -> int:
        """How many records the shards have applied, in all."""
        return sum(max(0, meta.offset) for meta in await self.metas() if meta)

    async def caught_up(self, within_s: float = 90.0) -> None:
        """Wait until every shard is at the end of its partition and reports itself fresh."""
        asked = datetime.now(ZONE).timestamp() * 1000
        consumer = AIOKafkaConsumer(
            bootstrap_servers=self.topic.bootstrap, isolation_level="read_committed"
        )
        await consumer.start()
        parts = [TopicPartition(self.topic.events, n) for n in range(self.topic.partitions)]

        async def is_caught_up() -> bool:
            try:
                ends = await consumer.end_offsets(parts)
                metas = await self.metas()
            except RETRYABLE:
                return False
            return all(
                meta and meta.offset >= ends[tp] and (meta.as_of or 0) >= asked
                for meta, tp in zip(metas, parts, strict=True)
            )

        try:
            await until(is_caught_up, within_s, every_s=0.1)
        finally:
            await consumer.stop()

    # --- what the figures are compared with ------------------------------------------------------

    async def command(self, *arguments: str, within_s: float = 120.0) -> CommandResult:
        """`python -m projector …`, to its end."""
        return await ended(
            sys.executable,
            *("-m", "projector", *arguments),
            env=self.environment(),
            within_s=within_s,
        )

    async def verified(self, within_s: float = 120.0) -> int:
        """Returns how many differences `python -m projector verify` names."""
        verify = await self.command("verify", within_s=within_s)
        said = re.search(r": (\d+) differences", verify.out)
        assert said, verify.out + verify.err
        differences = int(said[1])
        assert (verify.code == 0) == (differences == 0), verify.out
        if differences:
            (self.folder / "differences.txt").write_text(verify.out)
        return differences

    async def against_the_rules(self, events: list[Event], days: Iterable[str] = ()) -> list[str]:
        """Returns the figures of the report that differ from the independent fold of these events."""
        rules = Rules()
        contacts = await asyncio.to_thread(rules.contacts, events)
        today = datetime.now(ZONE)
        moments = [today.replace(hour=hour, minute=30) for hour in (11, 18)]
        wrong = []
        async with running_issuer() as issuer, running_api(self.redis_url, issuer) as api:
            await asyncio.wait_for(api.state.mirror.reread(), 60)
            for now in (*moments, today + timedelta(days=3)):
                api.clock.now = now.isoformat()
                for day in (*report_days(), *days):
                    found = await api.report(date=day)
                    wrong += _differences(day, found, rules.report(contacts, day, now))
        for day in (*report_days(), *days):
            for who, course in (await self.courses(day)).items():
                expected = rules.hours(contacts, day, operator_id=who)
                if course != expected:
                    wrong.append(f"{day} {who}: hours {course}, the rules give {expected}")
        return wrong

    async def check(
        self,
        fault: str,
        events: list[Event],
        *,
        faults: int,
        rate: float = 0.0,
        days: Iterable[str] = (),
        note: str = "",
    ) -> None:
        """Wait until everything is applied, compare in both ways, and record what was found.

        `days` are compared in addition to those that every load is about.
        """
        await self.caught_up()
        differences = await self.verified()
        wrong = await self.against_the_rules(events, days)
        results.record(
            fault,
            faults=faults,
            events=len(events),
            differences=differences + len(wrong),
            rate=rate,
            note=note,
        )
        assert differences == 0, (self.folder / "differences.txt").read_text()[:4_000]
        assert not wrong, wrong[:20]


async def _live(client: RedisClient) -> str:
    pointer = await live_pointer(client)
    return pointer.generation if pointer else FIRST


def _differences(day: str, found: dict[str, Figures], expected: dict[str, Figures]) -> list[str]:
    return [
        f"{day} {who or 'nobody'} {name}: {found.get(who, {}).get(name)}, "
        f"the rules give {expected.get(who, {}).get(name)}"
        for who in sorted({*found, *expected})
        for name in sorted({*found.get(who, {}), *expected.get(who, {})})
        if found.get(who, {}).get(name) != expected.get(who, {}).get(name)
    ]


@asynccontextmanager
async def deployment_on(topic: Topic, redis_url: str, folder: Path) -> AsyncIterator[Deployment]:
    """A deployment whose projectors are killed at the end."""
    made = Deployment(topic, redis_url, folder)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(_end, made)
        yield made


async def _end(deployment: Deployment) -> None:
    for projector in deployment.projectors:
        projector.thaw()
        projector.child.kill()


def refused(log: str) -> list[Any]:
    """Returns the lines in which a projector logs that a write or a read was refused."""
    words = ("another owner writes to shard", "another owner has claimed shard")
    return [line for line in log.splitlines() if any(one in line for one in words)]
