"""The shard protocol as a state machine, on a real Redis.

Several owners work on one shard of one log: any of them may read ahead, stop between its steps,
forget everything, come back as a zombie, or be refused. Redis may lose its last writes, or all.
Whatever happens, an owner that follows the protocol brings the shard to what one fold gives.
"""

import asyncio
from collections.abc import Awaitable, Iterator
from typing import Any

import pytest
import redis.asyncio
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from projector.fold.batch import Prepared
from projector.fold.expected import Expected
from projector.fold.facts import Fact, fact_of_event
from projector.store.client import connect
from projector.store.errors import StaleOwner
from projector.store.position import Position
from projector.store.shard import ClaimedShard, Shard
from runtime.redis import RedisClient
from support.one_shard import CALENDAR, FINGERPRINT, KEYS
from support.strategies import histories

OWNERS = st.integers(0, 1)


Log = list[tuple[str, Fact]]
"""(task id, fact), by offset."""


class Owner:
    """An owner and how far it has come with its batch."""

    def __init__(self, client: Any, log: Log) -> None:
        self.log = log
        self.unclaimed = Shard(client, KEYS, FINGERPRINT, CALENDAR, cached_tasks=2)
        self.shard: ClaimedShard
        """Set once it `is_owner`."""
        self.is_owner = False
        self.prepared: tuple[Prepared, Position] | None = None

    async def claim(self) -> None:
        self.prepared = None
        self.shard = await self.unclaimed.claim("live", "0001-01-01")
        if self.shard.position.offset < 0:
            await self.shard.start_at(0, None)
        self.is_owner = True

    async def prepare(self, size: int) -> None:
        offset = self.shard.position.offset
        end = min(len(self.log), offset + size)
        self.prepared = (
            await self.shard.prepare(facts_by_task(self.log[offset:end])),
            Position(end),
        )

    async def commit(self) -> None:
        assert self.prepared
        prepared, position = self.prepared
        self.prepared = None
        await self.shard.commit(prepared, position)

    async def finish(self) -> None:
        """Claim the shard and bring it to the end of the log."""
        await self.claim()
        while self.shard.position.offset < len(self.log):
            await self.prepare(5)
            await self.commit()


def facts_by_task(log: Log) -> dict[str, list[Fact]]:
    facts: dict[str, list[Fact]] = {}
    for task_id, fact in log:
        facts.setdefault(task_id, []).append(fact)
    return facts


class StoreMachine(RuleBasedStateMachine):
    url: str
    loop: asyncio.AbstractEventLoop

    def run(self, work: Awaitable[Any]) -> Any:
        return self.loop.run_until_complete(work)

    @initialize(many=st.lists(histories(), min_size=3, max_size=4))
    def begin(self, many: list[list[dict[str, Any]]]) -> None:
        events = [event for events in many for event in events]
        self.log = [(event["subject"], fact_of_event(event)) for event in events]
        self.client = connect(self.url)
        self.raw: RedisClient = redis.asyncio.from_url(self.url)
        self.run(self.raw.flushall())
        self.owners = [Owner(self.client, self.log) for _ in range(2)]
        self.saved: dict[bytes, bytes] = {}

    def teardown(self) -> None:
        """However the run ended, an owner that follows the protocol finishes and the shard is right."""
        if not hasattr(self, "client"):
            return
        try:
            self.run(Owner(self.client, self.log).finish())
            assert int(self.run(self.raw.hget(KEYS.meta, "offset"))) == len(self.log)
            self.the_shard_is_what_its_offset_says()
        finally:
            self.run(self.client.aclose())
            self.run(self.raw.aclose())

    # --- the steps of an owner ------------------------------------------------------------------

    def _follow(self, owner: Owner, work: Awaitable[None]) -> None:
        """Run a step; an owner that is refused knows that it is no longer the owner."""
        try:
            self.run(work)
        except StaleOwner:
            owner.is_owner = False
            owner.prepared = None

    @rule(who=OWNERS)
    def claim(self, who: int) -> None:
        self._follow(self.owners[who], self.owners[who].claim())

    @rule(who=OWNERS, size=st.integers(1, 2))
    def prepare(self, who: int, size: int) -> None:
        owner = self.owners[who]
        if not owner.is_owner:
            self.claim(who)
        if owner.is_owner and not owner.prepared:
            self._follow(owner, owner.prepare(size))

    @rule(who=OWNERS)
    def commit(self, who: int) -> None:
        owner = self.owners[who]
        if owner.is_owner and owner.prepared:
            self._follow(owner, owner.commit())

    @rule(who=OWNERS, size=st.integers(1, 2))
    def work(self, who: int, size: int) -> None:
        self.prepare(who, size)
        self.commit(who)

    @rule(who=OWNERS)
    def sample(self, who: int) -> None:
        owner = self.owners[who]
        if owner.is_owner and not owner.prepared:
            self._follow(owner, owner.shard.note({"as_of": 1, "end_offset": len(self.log)}))

    @rule(who=OWNERS)
    def crash(self, who: int) -> None:
        self.owners[who] = Owner(self.client, self.log)

    # --- what Redis does -------------------------------------------------------------------------

    @rule()
    def save(self) -> None:
        """What a lagging replica has."""
        self.saved = self.run(dump(self.raw))

    @rule()
    def fail_over_to_what_was_saved(self) -> None:
        self.run(restore(self.raw, self.saved))

    @rule(who=OWNERS, size=st.integers(1, 2))
    def fail_over_to_a_replica_without_the_last_write(self, who: int, size: int) -> None:
        behind = self.run(dump(self.raw))
        self.work(who, size)
        self.run(restore(self.raw, behind))
        self.work(who, size)  # it does not know of the failover

    @rule()
    def lose_everything(self) -> None:
        self.run(self.raw.flushall())

    @rule()
    def lose_the_meta(self) -> None:
        self.run(self.raw.delete(KEYS.meta))

    @rule()
    def forget_scripts(self) -> None:
        self.run(self.raw.script_flush())

    # --- what must hold ---------------------------------------------------------------------------

    @invariant()
    def the_shard_is_what_its_offset_says(self) -> None:
        if not hasattr(self, "raw"):
            return
        offset = int(self.run(self.raw.hget(KEYS.meta, "offset")) or -1)
        if offset < 0:
            return  # it has no position: nobody reads it
        expected = Expected(KEYS, CALENDAR)
        expected.add(facts_by_task(self.log[:offset]))
        assert self.run(written(self.raw)) == everything(expected)


async def dump(raw: RedisClient) -> dict[bytes, bytes]:
    return {key: await raw.dump(key) for key in await raw.keys("*")}


async def restore(raw: RedisClient, saved: dict[bytes, bytes]) -> None:
    await raw.flushall()
    for key, value in saved.items():
        await raw.restore(key, 0, value)


async def written(raw: RedisClient) -> dict[str, dict[bytes, bytes]]:
    """Every hash but those of the protocol, by key."""
    found = {}
    for key in await raw.keys("*"):
        if key.decode() not in (KEYS.meta, KEYS.seqs):
            found[key.decode()] = await raw.hgetall(key)
    return found


def everything(expected: Expected) -> dict[str, dict[bytes, bytes]]:
    hashes = {KEYS.docs: {name.encode(): t.encode() for name, t in expected.tasks.items()}}
    for date in expected.dates():
        hashes |= expected.hashes(date, "")
    hashes |= expected.names()
    hashes[KEYS.deliveries] = expected.deliveries()
    return {key: fields for key, fields in hashes.items() if fields}


@pytest.fixture
def own_loop() -> Iterator[asyncio.AbstractEventLoop]:
    loop = asyncio.new_event_loop()
    yield loop
    loop.close()


def test_crashes_zombies_and_lost_writes_never_make_the_shard_wrong(
    redis_server: str, own_loop: asyncio.AbstractEventLoop
) -> None:
    StoreMachine.url = redis_server
    StoreMachine.loop = own_loop
    run_state_machine_as_test(
        StoreMachine,
        settings=settings(
            max_examples=80,
            stateful_step_count=40,
            deadline=None,
            phases=(
                Phase.reuse,
                Phase.generate,
            ),  # a failure prints its steps; shrinking takes long
            suppress_health_check=list(HealthCheck),
        ),
    )
