"""The commands beside `run`: each returns an exit code and prints for a person."""

import asyncio
import sys
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager, suppress
from datetime import datetime
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import KafkaError
from redis.asyncio.lock import Lock
from redis.exceptions import LockError, LockNotOwnedError

from contracts.keys import REBUILD, LivePointer, ShardKeys
from projector.consumer.log import Log, TopicMissing
from projector.consumer.owner import SAMPLE_S, Owner
from projector.consumer.rebuild import CannotBuild, Rebuild, while_folding
from projector.consumer.redrive import Redrive, Redriven, Wanted
from projector.consumer.repartition import Repartition, WrongTarget
from projector.consumer.verify import Findings, ShardVerifier
from projector.fold.calendar import Calendar
from projector.generation_policy import is_same_log
from projector.logs import configure_logs
from projector.main import fingerprint_of
from projector.settings import Settings
from projector.store.client import RedisClient, connect
from projector.store.generations import (
    KEPT_S,
    building,
    live_pointer,
    switch,
    tasks,
    tidy,
)
from projector.store.shard import UNREACHABLE, Shard
from runtime.tasks import cancel_all

SHOWN = 100
"""Differences that are printed; the others are only counted."""


def verify(settings: Settings, generation: str | None) -> int:
    """Compare the live generation, or the given one, with Kafka; 1 if anything differs."""
    return _answered("verify", _verify(settings, generation))


def _answered(command: str, work: Coroutine[Any, Any, int]) -> int:
    """Run it; an engine out of reach is one line and exit code 3."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        sys.stderr.write(f"{command}: stopped\n")
        return 130
    except TopicMissing as error:
        sys.stderr.write(
            f"{command}: there is no topic {error}; see OBZVON_EVENTS_TOPIC "
            "and OBZVON_DEAD_LETTER_TOPIC\n"
        )
        return 1
    except (KafkaError, *UNREACHABLE) as error:
        sys.stderr.write(
            f"{command}: {type(error).__name__}: {error}. Check OBZVON_KAFKA_BOOTSTRAP_SERVERS "
            "and OBZVON_REDIS_URL, and that both run\n"
        )
        return 3


async def _verify(settings: Settings, generation: str | None) -> int:
    client = connect(settings.redis_url)
    consumer = AIOKafkaConsumer(
        **settings.kafka_options(),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 << 20,
    )
    try:
        await consumer.start()
        pointer = await live_pointer(client)
        if pointer is None:
            sys.stderr.write("verify: Redis has no live generation; has a projector run on it?\n")
            return 1
        fingerprint = pointer.fingerprint
        if fingerprint.topic not in await consumer.topics():
            raise TopicMissing(fingerprint.topic)
        total = Findings()
        calendar = Calendar.of(fingerprint.timezone, fingerprint.day_end)
        for shard in range(fingerprint.partitions):
            keys = ShardKeys(generation or pointer.generation, shard)
            verifier = ShardVerifier(client, consumer, keys, fingerprint, calendar)
            found = await verifier.verify()
            total.records += found.records
            total.tasks += found.tasks
            total.values += found.values
            total.older += found.older
            total.differences += found.differences
    finally:
        await consumer.stop()
        await client.aclose()
    return _told(total, fingerprint.partitions)


def _told(total: Findings, shards: int) -> int:
    for difference in total.differences[:SHOWN]:
        sys.stdout.write(difference + "\n")
    if len(total.differences) > SHOWN:
        sys.stdout.write(f"… and {len(total.differences) - SHOWN} more\n")
    older = f", {total.older} events older than Kafka's log taken from Redis" if total.older else ""
    sys.stdout.write(
        f"verify: {shards} shards, {total.records} records, {total.tasks} tasks, "
        f"{total.values} values{older}: {len(total.differences)} differences\n"
    )
    return 1 if total.differences else 0


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


# --- rebuild --------------------------------------------------------------------------------------

LEASE_S = 15
"""Seconds after which another rebuild may begin when one has died."""


def rebuild(
    settings: Settings,
    *,
    force: bool = False,
    stop_after_catch_up: bool = False,
    keep_s: float = KEPT_S,
) -> int:
    """Build the next generation, compare it with the live one, and make it live."""
    configure_logs("warning")
    work = _rebuild(settings, force=force, stop_after_catch_up=stop_after_catch_up, keep_s=keep_s)
    return _answered("rebuild", work)


async def _rebuild(
    settings: Settings, *, force: bool, stop_after_catch_up: bool, keep_s: float
) -> int:
    client = connect(settings.redis_url)
    log = Log(settings.events_topic, settings.dead_letter_topic, settings.kafka_options())
    consumer = AIOKafkaConsumer(
        **settings.kafka_options(),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 << 20,
    )
    try:
        live = await live_pointer(client)
        if live is None:
            sys.stderr.write("rebuild: Redis has no live generation; run a projector instead\n")
            return 1
        await log.start()
        await consumer.start()
        async with _lease(client) as is_held:
            if not is_held:
                sys.stderr.write("rebuild: another rebuild is under way\n")
                return 1
            await tidy(client, keep_s)
            fingerprint = fingerprint_of(settings, await log.partitions())
            name = await building(client, live, fingerprint)
            mine = LivePointer(generation=name, fingerprint=fingerprint)
            code = await _build(
                settings, client, log, consumer, live, mine, force=force, stop=stop_after_catch_up
            )
            if code is not None:
                return code
        await _dropped(client, live, keep_s)
        return 0
    finally:
        await consumer.stop()
        await log.stop()
        await client.aclose()


async def _build(
    settings: Settings,
    client: RedisClient,
    log: Log,
    consumer: AIOKafkaConsumer,
    live: LivePointer,
    mine: LivePointer,
    *,
    force: bool,
    stop: bool,
) -> int | None:
    """Build and switch; an exit code if it ends before the old generation is to be dropped."""
    fingerprint, calendar = mine.fingerprint, settings.calendar
    owner = Owner(
        client,
        log,
        fingerprint,
        mine.generation,
        today=lambda: datetime.now(calendar.timezone).date().isoformat(),
        new_shard=lambda keys: Shard(
            client,
            keys,
            fingerprint,
            calendar,
            cached_tasks=max(1, settings.cached_tasks // fingerprint.partitions),
        ),
        is_building=True,
        is_silent=is_same_log(live.fingerprint, fingerprint),
    )
    owner.consumer_of = lambda: consumer
    work = Rebuild(client, log, consumer, owner, live, mine, _say)
    _say(f"rebuild: building {mine.generation} beside {live.generation}")
    try:
        is_done: bool = await while_folding(
            work, _finish(client, owner, work, live, mine, force=force, stop=stop)
        )
    except CannotBuild as error:
        sys.stderr.write(f"rebuild: {error}\n")
        return 1
    finally:
        await owner.close()
    if stop:
        _say(f"rebuild: {mine.generation} has caught up; run it again to compare and switch")
        return 0
    return None if is_done else 1


async def _finish(
    client: RedisClient,
    owner: Owner,
    work: Rebuild,
    live: LivePointer,
    mine: LivePointer,
    *,
    force: bool,
    stop: bool,
) -> bool:
    """Catch up, compare and switch; whether it was switched."""
    ticking = asyncio.create_task(owner.every(SAMPLE_S, owner.tick))
    try:
        await work.catch_up()
        if stop:
            return False
        if live.fingerprint == mine.fingerprint:
            differences = await work.compare()
            for difference in differences[:SHOWN]:
                _say(difference)
            _say(f"rebuild: {len(differences)} differences")
            if differences and not force:
                sys.stderr.write(
                    f"rebuild: {live.generation} stays live; `rebuild --force` switches all the "
                    "same. See docs/runbook.md, 'Rebuild'\n"
                )
                return False
        else:
            counts = [await tasks(client, one.generation, one.fingerprint) for one in (live, mine)]
            _say(
                f"rebuild: {live.generation} has {counts[0]} tasks, {mine.generation} {counts[1]}; "
                "they are computed differently and are not compared further"
            )
        if is_same_log(live.fingerprint, mine.fingerprint):
            await work.overtake()
        if not await switch(client, live, mine):
            sys.stderr.write(f"rebuild: {live.generation} is no longer live; run it again\n")
            return False
        _say(f"rebuild: {mine.generation} is live")
        if not await work.hand_over():
            _say(f"rebuild: no projector has taken {mine.generation} over yet: does one run?")
        return True
    finally:
        await cancel_all([ticking])


async def _dropped(client: RedisClient, old: LivePointer, keep_s: float) -> None:
    """Wait until the old generation may go. A projector that runs does this as well."""
    for _ in range(int(keep_s) + 15):
        await asyncio.sleep(min(1.0, keep_s))
        await tidy(client, keep_s)
        if not await client.exists(ShardKeys(old.generation, 0).meta):
            _say(f"rebuild: {old.generation} is dropped")
            return
    _say(f"rebuild: a projector drops {old.generation} once it has taken over")


@asynccontextmanager
async def _lease(client: RedisClient) -> AsyncIterator[bool]:
    """Whether this is the one rebuild; it stays so while the context lasts."""
    lease = Lock(client, REBUILD, timeout=LEASE_S, blocking=False, thread_local=False)
    if not await lease.acquire():
        yield False
        return

    async def renew() -> None:
        while True:
            await asyncio.sleep(LEASE_S / 3)
            with suppress(*UNREACHABLE):
                try:
                    await lease.reacquire()
                except LockNotOwnedError:  # Redis was emptied, or this process stood still
                    await lease.acquire()

    renewing = asyncio.create_task(renew())
    try:
        yield True
    finally:
        await cancel_all([renewing])
        with suppress(LockError):
            await lease.release()


# --- redrive --------------------------------------------------------------------------------------


def redrive(settings: Settings, wanted: Wanted, *, is_dry: bool) -> int:
    """Send dead letters that can be read now back to the events topic."""
    return _answered("redrive", _redrive(settings, wanted, is_dry=is_dry))


async def _redrive(settings: Settings, wanted: Wanted, *, is_dry: bool) -> int:
    log = Log(settings.events_topic, settings.dead_letter_topic, settings.kafka_options())
    consumer = AIOKafkaConsumer(
        **settings.kafka_options(),
        enable_auto_commit=False,
        auto_offset_reset="none",
        isolation_level="read_committed",
        max_partition_fetch_bytes=4 << 20,
    )
    letters = Log(settings.dead_letter_topic, settings.dead_letter_topic, settings.kafka_options())
    try:
        await log.start()
        await letters.start()
        await consumer.start()
        work = Redrive(log, consumer, settings.dead_letter_topic, is_dry=is_dry)
        result = await work.run(list(range(await letters.partitions())), wanted)
    finally:
        await consumer.stop()
        await letters.stop()
        await log.stop()
    return _redriven(result, is_dry=is_dry)


def _redriven(result: Redriven, *, is_dry: bool) -> int:
    sent = "would be sent" if is_dry else "sent"
    reasons = {*result.sent, *result.unreadable, *result.filtered, *result.gone}
    for reason in sorted(reasons):
        _say(
            f"{reason}: {result.sent[reason]} {sent}, {result.unreadable[reason]} still "
            f"unreadable, {result.filtered[reason]} filtered, {result.gone[reason]} gone"
        )
    if result.odd:
        _say(f"{result.odd} records of the dead-letter topic are no letters of a projector")
    _say(
        f"redrive: {result.sent.total()} {sent}, {result.unreadable.total()} still unreadable, "
        f"{result.filtered.total()} filtered, {result.gone.total()} gone"
    )
    return 0


# --- repartition ----------------------------------------------------------------------------------


def repartition(settings: Settings, to_topic: str, partitions: int) -> int:
    """Copy the events topic into one with another number of partitions."""
    return _answered("repartition", _repartition(settings, to_topic, partitions))


async def _repartition(settings: Settings, to_topic: str, partitions: int) -> int:
    options = settings.kafka_options()
    if to_topic == settings.events_topic:
        sys.stderr.write(f"repartition: {to_topic} is the events topic itself; name another one\n")
        return 2
    source = Log(settings.events_topic, settings.dead_letter_topic, options)
    target = Log(to_topic, settings.dead_letter_topic, options)
    try:
        await source.start()
        await target.start()
        await source.partitions()
        work = Repartition(source, target, options, _say)
        await work.make_target(partitions)
        copied = await work.run(partitions)
    except WrongTarget as error:
        sys.stderr.write(f"repartition: {error}\n")
        return 1
    finally:
        await source.stop()
        await target.stop()
    _say(
        f"repartition: {copied} records copied. Now let publishers write to {to_topic}, run this "
        f"once more for what came meanwhile, then run the projectors with "
        f"OBZVON_EVENTS_TOPIC={to_topic} after `python -m projector rebuild` with the same setting "
        "(or with OBZVON_ON_FOREIGN=rebuild, which does that by itself)"
    )
    return 0
