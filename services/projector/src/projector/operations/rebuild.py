"""Build the next generation alongside the live one, compare the two, and make the new one live."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from aiokafka import AIOKafkaConsumer

from contracts.keys import LivePointer, ShardKeys
from projector.consumer.assignment import Assignment
from projector.consumer.event_log import EventLog, manual_consumer
from projector.consumer.freshness import SAMPLE_S, sample_freshness
from projector.consumer.generation import FoldedGeneration
from projector.consumer.periodic import every
from projector.generation_policy import fingerprint_of, is_same_log
from projector.operations.builder import Builder, CannotBuild, while_folding
from projector.operations.compare import Comparison
from projector.operations.lease import rebuild_lease
from projector.settings import Settings
from projector.store.client import connect
from projector.store.generations import (
    KEPT_S,
    count_tasks,
    drop_retired,
    find_or_create_building,
    live_pointer,
    switch,
)
from runtime.redis import RedisClient
from runtime.tasks import cancel_all

Say = Callable[[str], None]
"""Takes a line about the progress."""

Report = Callable[[list[str]], None]
"""Takes the differences between two generations that should be equal."""


class NotRebuilt(Exception):
    """The live generation stays what it was; the message says why."""


@dataclass(frozen=True)
class Options:
    """What the operator asks for."""

    force: bool = False
    """Switch in spite of differences."""
    stop_after_catch_up: bool = False
    """Neither compare nor switch yet."""
    keep_s: float = KEPT_S
    """Seconds that the old generation stays after the switch."""


async def rebuild(settings: Settings, options: Options, say: Say, report: Report) -> None:
    """Build, compare, switch and drop what was live. Raises `NotRebuilt`."""
    client = connect(settings.redis_url)
    log = EventLog(settings.events_topic, settings.dead_letter_topic, settings.kafka_options())
    consumer = manual_consumer(settings.kafka_options())
    try:
        live = await live_pointer(client)
        if live is None:
            raise NotRebuilt("Redis has no live generation; run a projector instead")
        await log.start()
        await consumer.start()
        async with rebuild_lease(client) as is_held:
            if not is_held:
                raise NotRebuilt("another rebuild is under way")
            await drop_retired(client, options.keep_s)
            fingerprint = fingerprint_of(settings, await log.partitions())
            name = await find_or_create_building(client, live, fingerprint)
            mine = LivePointer(generation=name, fingerprint=fingerprint)
            assignment = _assignment(settings, client, log, live, mine)
            work = Rebuild(client, log, consumer, assignment, live, mine, options, say, report)
            is_switched = await work.run()
        if is_switched:
            await _until_dropped(client, live, options.keep_s, say)
    finally:
        await consumer.stop()
        await log.stop()
        await client.aclose()


def _assignment(
    settings: Settings, client: RedisClient, log: EventLog, live: LivePointer, mine: LivePointer
) -> Assignment:
    generation = FoldedGeneration.of(settings, client, log, mine)
    generation.is_building = True
    generation.is_silent = is_same_log(live.fingerprint, mine.fingerprint)
    return Assignment(generation)


class Rebuild:
    """Replaces `live` by `mine`."""

    def __init__(
        self,
        client: RedisClient,
        log: EventLog,
        consumer: AIOKafkaConsumer,
        assignment: Assignment,
        live: LivePointer,
        mine: LivePointer,
        options: Options,
        say: Say,
        report: Report,
    ) -> None:
        assignment.consumer_of = lambda: consumer
        self._client = client
        self._log = log
        self._assignment = assignment
        self._live = live
        self._mine = mine
        self._options = options
        self._say = say
        self._report = report
        self._builder = Builder(client, log, consumer, assignment, live, mine, say)

    async def run(self) -> bool:
        """Build, and unless the operator wants to stop there, compare and switch.

        Returns whether it was switched. Raises `NotRebuilt`.
        """
        mine, live = self._mine.generation, self._live.generation
        self._say(f"rebuild: building {mine} alongside {live}")
        try:
            await while_folding(self._builder, self._finish())
        except CannotBuild as error:
            raise NotRebuilt(str(error)) from error
        finally:
            await self._assignment.close()
        if self._options.stop_after_catch_up:
            self._say(f"rebuild: {mine} has caught up; run it again to compare and switch")
        return not self._options.stop_after_catch_up

    async def _finish(self) -> None:
        sampling = asyncio.create_task(every(SAMPLE_S, sample_freshness, self._assignment))
        try:
            await self._builder.catch_up()
            if not self._options.stop_after_catch_up:
                await self._compare()
                await self._switch()
        finally:
            await cancel_all([sampling])

    async def _compare(self) -> None:
        live, mine = self._live, self._mine
        if live.fingerprint != mine.fingerprint:
            before, now = [
                await count_tasks(self._client, one.generation, one.fingerprint)
                for one in (live, mine)
            ]
            self._say(
                f"rebuild: {live.generation} has {before} tasks, {mine.generation} {now}; "
                "they are computed differently and are not compared further"
            )
            return
        comparison = Comparison(self._client, self._log, self._builder, live, mine, self._say)
        differences = await comparison.differences()
        self._report(differences)
        if differences and not self._options.force:
            raise NotRebuilt(
                f"{live.generation} stays live; `rebuild --force` switches all the "
                "same. See docs/runbook.md, 'Rebuild'"
            )

    async def _switch(self) -> None:
        live, mine = self._live, self._mine
        if is_same_log(live.fingerprint, mine.fingerprint):
            await self._builder.overtake()
        if not await switch(self._client, live, mine):
            raise NotRebuilt(f"{live.generation} is no longer live; run it again")
        self._say(f"rebuild: {mine.generation} is live")
        if not await self._builder.hand_over():
            self._say(f"rebuild: no projector has taken {mine.generation} over yet: does one run?")


async def _until_dropped(client: RedisClient, old: LivePointer, keep_s: float, say: Say) -> None:
    """Wait until the old generation may go. A projector that runs drops it as well."""
    for _ in range(int(keep_s) + 15):
        await asyncio.sleep(min(1.0, keep_s))
        await drop_retired(client, keep_s)
        if not await client.exists(ShardKeys(old.generation, 0).meta):
            say(f"rebuild: {old.generation} is dropped")
            return
    say(f"rebuild: a projector drops {old.generation} once it has taken over")
