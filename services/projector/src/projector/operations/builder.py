"""Fold Kafka from the start into a new generation, alongside the live one.

All partitions are manually assigned, without a consumer group. While both generations are folded
from the same partitions the new one is never let past the live one: so it can be brought to exactly
the offset at which some of the live one's values were read, and be compared there under any load.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError, NoOffsetForPartitionError

from contracts.keys import LivePointer
from projector.consumer.assignment import Assignment
from projector.consumer.errors import UNAVAILABLE
from projector.consumer.event_log import EventLog
from projector.store.generations import read_metas
from runtime.redis import RedisClient
from runtime.tasks import cancel_all

LOOK_S = 0.2
"""Seconds between two looks at the live generation's offsets."""

SAID_S = 5.0
"""Seconds between two lines of progress."""

CLOSE_S = 5.0
"""Seconds that the last round of catching up took at most."""

CARRY_S = 60.0
"""Seconds within which the new generation must reach an offset it is let on to."""

OVERTAKE_S = 10.0
"""Seconds after which the new generation is switched to also if it has not passed the live one."""

OVERTAKE_LOOK_S = 0.02
"""Seconds between two looks at which of the two is ahead."""

HAND_OVER_S = 15.0
"""Seconds the projectors are given to take the new generation over."""

NO_STOP = 1 << 62

Say = Callable[[str], None]


class CannotBuild(Exception):
    """A shard of the new generation can't be built; the message says why."""


class Builder:
    """Builds `mine` alongside `live`."""

    def __init__(
        self,
        client: RedisClient,
        log: EventLog,
        consumer: AIOKafkaConsumer,
        assignment: Assignment,
        live: LivePointer,
        mine: LivePointer,
        say: Say,
    ) -> None:
        self._client = client
        self._log = log
        self._consumer = consumer
        self._assignment = assignment
        self._live = live
        self._mine = mine
        self._say = say
        self._is_alike = live.fingerprint == mine.fingerprint
        """Whether the two must become equal."""
        count = mine.fingerprint.partitions
        self._parts = [TopicPartition(log.topic, number) for number in range(count)]
        self._stops = dict.fromkeys(range(count), 0 if self._is_alike else NO_STOP)
        self._moved = asyncio.Event()
        """Set whenever records were applied."""
        self._said = 0.0

    # --- folding ----------------------------------------------------------------------------------

    async def fold(self) -> None:
        """Take all partitions and fold them, for as long as this runs."""
        self._consumer.assign(self._parts)
        await self._assignment.on_partitions_assigned(self._parts)
        while True:
            self._hold()
            try:
                fetched = await self._consumer.getmany(timeout_ms=50, max_records=4_000)
            except NoOffsetForPartitionError:  # of one that is not read from yet
                await asyncio.sleep(LOOK_S)
                continue
            except KafkaError as error:
                self._say(f"Kafka: {type(error).__name__}: {error}; going on")
                await asyncio.sleep(1)
                continue
            records = [record for part in fetched.values() for record in self._allowed(part)]
            if records:
                await self._assignment.handle(records)
            self._moved.set()

    def _hold(self) -> None:
        """Fetch only what may be applied."""
        for tp in self._parts:
            owned = self._assignment.partitions.get(tp.partition)
            if owned is None or owned.state != "live":
                continue
            if owned.offset >= self._stops[tp.partition]:
                self._consumer.pause(tp)
            elif tp in self._consumer.paused():
                self._consumer.resume(tp)

    def _allowed(self, records: list[Any]) -> list[Any]:
        """Those before the stop; the others are fetched again when it has moved."""
        partition = records[0].partition
        stop = self._stops[partition]
        for at, record in enumerate(records):
            if record.offset >= stop:
                if self._assignment.partitions[partition].state == "live":
                    self._consumer.seek(TopicPartition(record.topic, partition), record.offset)
                return records[:at]
        return records

    async def catch_up(self) -> None:
        """Return once the new generation is close behind the live one, or behind Kafka's end.

        Each round goes to the offset that the live one was at when the round began, so each is
        shorter than the one before; a moving target might never be hit exactly.
        """
        clock = asyncio.get_running_loop().time
        while True:
            began = clock()
            try:
                targets = await self._targets()
            except UNAVAILABLE as error:
                self._say(f"waiting: {type(error).__name__}: {error}")
                await asyncio.sleep(LOOK_S)
                continue
            if self._is_alike:
                self._stops |= targets
            await self._reach(targets)
            if clock() - began < CLOSE_S and not await self._is_ahead_of(targets):
                return
            await asyncio.sleep(LOOK_S)

    async def _reach(self, targets: dict[int, int]) -> None:
        clock = asyncio.get_running_loop().time
        while True:
            left = [
                target - self._position(partition)
                for partition, target in targets.items()
                if self._position(partition) < target
                and not await self._has_reached(partition, target)
            ]
            for partition, owned in self._assignment.partitions.items():
                if owned.state == "parked":
                    raise CannotBuild(f"shard {partition} can't be built: {owned.reason}")
            if not left:
                return
            if clock() - self._said > SAID_S:
                self._said = clock()
                self._say(f"{self._mine.generation}: {sum(left)} records to go")
            await asyncio.sleep(LOOK_S)

    async def _is_ahead_of(self, targets: dict[int, int]) -> bool:
        """Whether it has passed the live one somewhere, so that it cannot be compared there yet."""
        return self._is_alike and not all(
            [await self._has_reached(*one) for one in targets.items()]
        )

    async def _targets(self) -> dict[int, int]:
        extents = await self._log.extents(self._stops)
        if not self._is_alike:
            return {partition: extent.end for partition, extent in extents.items()}
        shards = await read_metas(self._client, self._live.generation, self._live.fingerprint)
        return {
            partition: max(extents[partition].begin, meta.offset if meta else 0)
            for partition, meta in enumerate(shards)
        }

    def _position(self, partition: int) -> int:
        owned = self._assignment.partitions.get(partition)
        return owned.offset if owned else -1

    async def _has_reached(self, partition: int, offset: int) -> bool:
        """Whether the shard is at `offset`, or only marks of transactions lie between."""
        owned = self._assignment.partitions.get(partition)
        if owned is None or owned.state != "live":
            return False
        low, high = sorted((owned.offset, offset))
        if low == high:
            return True
        if low < 0 or high - low > 1_000:  # nobody writes so many marks in a row
            return False
        return await self._log.record_at(partition, low, high) is None

    async def overtake(self) -> None:
        """Return once no shard of the new generation is behind the live one, which goes on.

        From here on it may pass the live one, so the two are not compared any more. It does no
        harm if it stays a little behind: readers wait for it.
        """
        self._stops = dict.fromkeys(self._stops, NO_STOP)
        clock = asyncio.get_running_loop().time
        ends = clock() + OVERTAKE_S
        while clock() < ends:
            shards = await read_metas(self._client, self._live.generation, self._live.fingerprint)
            if all(
                meta is None or self._position(partition) >= meta.offset
                for partition, meta in enumerate(shards)
            ):
                return
            await asyncio.sleep(OVERTAKE_LOOK_S)

    async def hand_over(self) -> bool:
        """Fold on until projectors have taken every shard over; whether they have.

        So readers see no gap while the projectors turn to the new generation.
        """
        self._assignment.generation.is_yielding = True
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(HAND_OVER_S):
                while self._assignment.partitions:
                    self._moved.clear()
                    await self._moved.wait()
        return not self._assignment.partitions

    async def forget_old_documents(self, partition: int) -> None:
        """Forget documents that the live generation has forgotten long ago."""
        owned = self._assignment.partitions[partition]
        async with owned.lock:
            if owned.state == "live":
                await owned.shard.forget_documents(self._assignment.generation.documents_horizon())

    async def carry(self, partition: int, offset: int) -> None:
        """Bring our shard to exactly `offset`. Raises `CannotBuild` if it has passed it."""
        self._stops[partition] = max(offset, self._stops[partition])
        if self._position(partition) > offset and not await self._has_reached(partition, offset):
            raise CannotBuild(
                f"shard {partition} of {self._live.generation} is at {offset}, before "
                f"{self._position(partition)}, where the new one begins: it can't be compared"
            )
        async with asyncio.timeout(CARRY_S):
            while not await self._has_reached(partition, offset):
                self._moved.clear()
                await self._moved.wait()


async def while_folding(builder: Builder, work: Awaitable[Any]) -> Any:
    """Do the work while the builder folds; a failure of either ends both."""
    folding = asyncio.ensure_future(builder.fold())
    working = asyncio.ensure_future(work)
    try:
        await asyncio.wait({folding, working}, return_when=asyncio.FIRST_COMPLETED)
        if folding.done():
            folding.result()
        return await working
    finally:
        await cancel_all([folding, working])
