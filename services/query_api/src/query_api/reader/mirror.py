"""The snapshot of the live generation, kept up to date by one task per process.

Writers publish a hint for every change, and a hint starts a refresh at once. Hints can get lost, so
every second, and after every reconnect, all shards whose seq has changed are read. While Redis is
away the last snapshot stays, and `Mirror.unreadable` says why.

A generation that has just become live may be a little behind the one it replaces. The snapshot of
the old one stays until the new one has caught up: what a caller sees never goes back in time.
"""

import asyncio
import contextlib
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Final

import structlog

from contracts.keys import LIVE, ChangeHint, LivePointer
from query_api import metrics
from query_api.reader.errors import Unavailable, describe
from query_api.reader.generation import parse_pointer, read_generation, settings_mismatch
from query_api.reader.shard import Decoder
from query_api.reader.subscription import LONGEST_PAUSE_S, subscribe_forever
from query_api.report.scope import MAX_DAYS
from query_api.report.snapshot import Shard, Snapshot
from query_api.tracing.traces import OFF, Traces
from runtime.backoff import exponential
from runtime.redis import RETRYABLE, RedisClient
from runtime.tasks import cancel_all

log = structlog.get_logger()

TICK_S: Final = 1.0
"""Seconds after which all shards are checked, whether or not hints have come."""

REST_S: Final = 0.02
"""Longest rest between two refreshes, in seconds; it is as long as the refresh before it."""

OVERTAKING_S: Final = 30.0
"""Seconds a new generation may take to catch up with the old one; then it is shown as it is.
Waiting longer would not help: the old snapshot is stale by then, its generation soon dropped."""

DATES_HELD: Final = 2 * MAX_DAYS
"""How many dates' cells are kept up to date: those that were requested last."""


class Mirror:
    """Has the newest `Snapshot`. Enter `running()` to keep it up to date."""

    def __init__(
        self, client: RedisClient, timezone: str, day_end: str, *, traces: Traces = OFF
    ) -> None:
        self._client = client
        self._traces = traces
        self._timezone = timezone
        self._day_end = day_end
        self._decoder = Decoder()
        self._wanted: OrderedDict[str, None] = OrderedDict()
        self._dirty: set[int] | None = None
        """Shards to read; None for all of them, and the pointer."""
        self._wake = asyncio.Event()
        self._nudge = asyncio.Event()
        """Ends a pause early: Redis has given a sign of life."""
        self._round: asyncio.Future[str | None]
        """Resolves at the end of the next refresh to begin: to why it failed, or None."""
        self._changed = asyncio.Event()
        self._coming: Snapshot | None = None
        """The live generation, while it is behind `snapshot`, which is of the one before."""
        self._coming_since = 0.0
        self._began_ns = 0
        """When the last refresh began, for its trace."""
        self.snapshot: Snapshot | None = None
        self.unreadable: str | None = None
        """Why the last read failed; None if it did not."""
        self.refreshes = 0

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Mirror"]:
        self._round = asyncio.get_running_loop().create_future()
        tasks = [
            asyncio.create_task(self._refresh_forever(), name="refresh"),
            asyncio.create_task(
                subscribe_forever(self._client, self.hint, self._read_all_again), name="listen"
            ),
            asyncio.create_task(self._tick_forever(), name="tick"),
        ]
        try:
            yield self
        finally:
            await cancel_all(tasks)
            if not self._round.done():
                self._round.set_result("the API is stopping")

    async def holding(self, days: Sequence[str]) -> Snapshot:
        """Returns a snapshot with the cells of these dates; waits only if they are not read yet.

        Raises `Unavailable`, at once while Redis is known to be away.
        """
        self._want(days)
        snapshot = self.snapshot
        if snapshot is not None and not snapshot.lacks(days):
            return snapshot
        if self.unreadable is not None:
            raise Unavailable(self.unreadable)
        # The next refresh to begin reads what is missing; the one under way, if any, may not.
        failed = await self._next_round()
        snapshot = self.snapshot
        if snapshot is None or snapshot.lacks(days):
            raise Unavailable(failed or "Redis could not be read")
        return snapshot

    async def reread(self) -> str | None:
        """Waits for a new read of every shard; returns why it failed, if it did."""
        self._dirty = None
        return await self._next_round()

    async def _next_round(self) -> str | None:
        self._wake.set()
        return await asyncio.shield(self._round)

    @property
    def changed(self) -> asyncio.Event:
        """Set once, at the next new snapshot: take it before looking at `snapshot`."""
        return self._changed

    # --- when to read -----------------------------------------------------------------------

    def hint(self, message: bytes) -> None:
        """Take in a message of `CHANGES`."""
        try:
            hint = ChangeHint.decode(message)
        except (ValueError, TypeError):
            log.warning("odd_hint", message=message[:200])
            return
        snapshot = self.snapshot
        if snapshot is None or self.unreadable is not None:
            self._nudge.set()
            return
        if self._coming is not None and hint.generation == self._coming.generation:
            self._dirty = None
            self._wake.set()
            return
        if hint.generation != snapshot.generation:  # a rebuild under way
            return
        if hint.shard >= len(snapshot.shards):
            return
        held = snapshot.shards[hint.shard]
        if held is not None and hint.seq <= held.meta.seq:
            return
        if self._dirty is not None:
            self._dirty.add(hint.shard)
        self._wake.set()

    async def _tick_forever(self) -> None:
        while True:
            self._dirty = None
            self._wake.set()
            await asyncio.sleep(TICK_S)

    def _read_all_again(self) -> None:
        """Hints may have been lost: read every shard, at once."""
        self._dirty = None
        self._wake.set()
        self._nudge.set()

    async def _refresh_forever(self) -> None:
        pauses = exponential(longest_s=LONGEST_PAUSE_S)
        while True:
            await self._wake.wait()
            self._wake.clear()
            began = time.monotonic()
            await self._refresh_once(began)
            if self.unreadable is None:
                pauses = exponential(longest_s=LONGEST_PAUSE_S)
                await asyncio.sleep(min(time.monotonic() - began, REST_S))
                continue
            self._dirty = None
            self._wake.set()
            self._nudge.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._nudge.wait(), next(pauses))

    async def _refresh_once(self, began: float) -> None:
        """Refreshes, notes why that failed if it did, and resolves the round that waits for it."""
        was = self.snapshot
        dirty, self._dirty = self._dirty, set()
        this_round, self._round = self._round, asyncio.get_running_loop().create_future()
        try:
            why = await self._refresh(dirty)
        except RETRYABLE as error:
            why = f"Redis can't be read: {describe(error)}"
        except Exception as error:
            log.exception("refresh_failed")
            why = f"what is in Redis can't be understood: {describe(error)}"
        if why != self.unreadable:
            if why:
                log.error("unreadable", reason=why)
            else:
                log.info("readable_again", reason=self.unreadable)
        self.unreadable = why
        self.refreshes += 1
        metrics.READS.labels("failed" if why else "done").inc()
        metrics.READ_S.observe(time.monotonic() - began)
        if why is None and self.snapshot is not None and self.snapshot is not was:
            metrics.observe_visible(was, self.snapshot)
        if not this_round.done():
            this_round.set_result(why)

    # --- reading ----------------------------------------------------------------------------

    async def _refresh(self, dirty: set[int] | None) -> str | None:
        """Reads the dirty shards and shows a new snapshot; returns why it can't, if it can't."""
        before = self.snapshot
        self._began_ns = time.time_ns()
        pointer: LivePointer | None = None
        if before is None or dirty is None:
            pointer = parse_pointer(await self._client.get(LIVE))
        else:
            pointer = LivePointer(generation=before.generation, fingerprint=before.fingerprint)
        while True:
            if pointer is None:
                return "no generation is live in Redis: has a projector run?"
            if mismatch := settings_mismatch(pointer, self._timezone, self._day_end):
                return mismatch
            # The pointer is read again after the shards: a generation is dropped some time after a
            # switch, and what was read of it could be incomplete.
            shards, value = await self._read(pointer, dirty, before)
            after = parse_pointer(value)
            if after == pointer:
                break
            pointer, dirty = after, None
        if before is not None and shards == before.shards:
            return None
        snapshot = Snapshot(pointer.generation, pointer.fingerprint, shards, before)
        if before is None or not await self._keeps_old(before, snapshot):
            self._coming = None
            self._show(snapshot)
        return None

    def _show(self, snapshot: Snapshot) -> None:
        snapshot.refreshes = self._traces.refreshed(self.snapshot, snapshot, self._began_ns)
        self.snapshot = snapshot
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def _keeps_old(self, before: Snapshot, coming: Snapshot) -> bool:
        """Whether the old generation's snapshot stays, as the new one would go back in time."""
        if coming.generation == before.generation or not before.is_ahead_of(coming):
            return False
        now = time.monotonic()
        if self._coming is None or self._coming.generation != coming.generation:
            self._coming_since = now
            log.info("generation_coming", was=before.generation, now=coming.generation)
        self._coming = coming
        if now - self._coming_since > OVERTAKING_S:
            log.warning("generation_goes_back", was=before.generation, now=coming.generation)
            return False
        # Somebody may request another date meanwhile; and an emptied Redis has no old generation.
        old = LivePointer(generation=before.generation, fingerprint=before.fingerprint)
        shards, _ = await self._read(old, {0}, before)
        if None in shards:
            return False
        if shards != before.shards:
            self._show(Snapshot(old.generation, old.fingerprint, shards, before))
        return True

    async def _read(
        self, pointer: LivePointer, dirty: set[int] | None, before: Snapshot | None
    ) -> tuple[tuple[Shard | None, ...], bytes | None]:
        """Returns the shards as they are now, and the live pointer as it was after them."""
        held: tuple[Shard | None, ...] = (None,) * pointer.fingerprint.partitions
        for known in (before, self._coming):
            if known is not None and known.is_of(pointer.generation, len(held)):
                held = known.shards
        return await read_generation(
            self._client, pointer.generation, held, dirty, set(self._wanted), self._decoder
        )

    def _want(self, days: Sequence[str]) -> None:
        for day in days:
            self._wanted[day] = None
            self._wanted.move_to_end(day)
        while len(self._wanted) > DATES_HELD:
            self._wanted.popitem(last=False)
