"""One shard in Redis, as its owner sees it: claim it, read what a batch needs, write the change.

Every write goes through one script that checks (epoch, seq) first. Its answers:

- ``applied``: done; the shard is at seq + 1.
- ``already``: a repeat of a write whose answer got lost; it had been applied.
- ``ahead``: another owner has written since. `Superseded` is raised.
- ``rolled_back``: Redis lost writes (a failover, an emptied server). `RolledBack` is raised.
- ``retired``: the generation is no longer written. `Retired` is raised.

After any of the last three everything that was cached is void: `claim` the shard again and go on
from the offset that it is at then. State and offset move together, so nothing is lost and nothing counts twice.
"""

import secrets
from collections import deque
from collections.abc import AsyncIterator, Mapping

import structlog

from contracts.keys import CHANGES, Fingerprint, ShardKeys
from contracts.meta import TRACES_KEPT, Meta, MetaChange, Status, encode_traces
from projector.fold.batch import Batch, Prepared
from projector.fold.calendar import Calendar
from projector.fold.change import Change
from projector.fold.facts import Fact
from projector.fold.needs import Needs
from projector.fold.projection import Projection
from projector.store.errors import ForeignFingerprint, Retired, RolledBack, Superseded
from projector.store.position import Position
from projector.store.reading import READ_CHUNK, Claim, ShardReading
from projector.store.scripts import claim_script, write_arguments, write_script
from runtime.redis import RETRYABLE, RedisClient

log = structlog.get_logger()

_WRITE = write_script(CHANGES)
_CLAIM = claim_script()


class Shard:
    """One shard in Redis, which nobody here owns yet."""

    def __init__(
        self,
        client: RedisClient,
        keys: ShardKeys,
        fingerprint: Fingerprint,
        calendar: Calendar,
        *,
        cached_tasks: int = 50_000,
    ) -> None:
        self._client = client
        self._fingerprint = fingerprint.encode()
        self._keys = keys
        self._calendar = calendar
        self._cached_tasks = cached_tasks

    async def claim(self, status: Status, horizon: str) -> "ClaimedShard":
        """Become the owner by a new epoch and read where the shard is.

        `status` and `horizon` are for a shard that does not exist yet. Raises
        `ForeignFingerprint`, `Retired`, or a connection error.
        """
        client, keys = self._client, self._keys
        answer, value = await _CLAIM.run(
            client,
            [keys.meta, keys.none],
            [secrets.token_hex(8), self._fingerprint, status, horizon],
        )
        match answer:
            case b"retired":
                raise Retired(keys.generation)
            case b"foreign":
                raise ForeignFingerprint(value.decode(), self._fingerprint)
            case _:
                pass
        pipeline = client.pipeline(transaction=False)
        pipeline.hgetall(keys.meta)
        pipeline.hgetall(keys.dead)
        fields, dead = await pipeline.execute()
        meta = Meta.decode(fields)
        if meta is None or meta.epoch != value.decode():
            raise Superseded("another owner claimed the shard at the same time")
        projection = Projection(
            keys, self._calendar, meta.horizon or horizon, cached_tasks=self._cached_tasks
        )
        counts = {reason.decode(): int(count) for reason, count in dead.items()}
        return ClaimedShard(client, keys, meta, projection, counts)


class ClaimedShard:
    """A shard, as its owner knows it. Not safe for two callers at once."""

    def __init__(
        self,
        client: RedisClient,
        keys: ShardKeys,
        meta: Meta,
        projection: Projection,
        dead: dict[str, int],
    ) -> None:
        """`meta` and `dead` (dead letters by reason) are those of when it was claimed."""
        self.keys = keys
        self.meta = meta
        self.projection = projection
        self.position = Position(
            meta.offset, meta.last_offset, meta.last_timestamp, meta.last_checksum
        )
        self._client = client
        self._claim = Claim(meta.epoch, meta.seq)
        self._reading = ShardReading(client, keys, self._claim)
        self._dead = dead
        self._forwarded = meta.forwarded
        self._traces: deque[tuple[int, str]] = deque(maxlen=TRACES_KEPT)
        """(seq, traceparent) of the last writes that are traced."""

    # --- gather, decide, apply ------------------------------------------------------------------

    async def prepare(self, facts: dict[str, list[Fact]]) -> Prepared:
        """Read what the facts (by task id) touch, and fold them.

        What is cached then runs ahead of Redis: `commit` the result, or claim the shard again.
        """
        batch = Batch(self.projection, facts)
        step = batch.begin()
        while isinstance(step, Needs):
            step = batch.take(await self._reading.read(step))
        return step

    async def commit(
        self,
        prepared: Prepared,
        position: Position,
        *,
        dead: Mapping[str, int] | None = None,
        forwarded: int = 0,
        notes: MetaChange | None = None,
        traceparent: str = "",
    ) -> None:
        """Write a prepared change together with the position after it.

        `dead` counts the dead letters on the way there by reason, `forwarded` the records that
        were sent on to their own partition. Replaying an offset is a no-op. By `traceparent`
        readers of the change know which trace it belongs to.
        """
        meta: MetaChange = {
            "offset": position.offset,
            "last_offset": position.last_offset,
            "last_timestamp": position.last_timestamp,
            "last_checksum": position.last_checksum,
            **(notes or {}),
        }
        for reason, count in (dead or {}).items():
            self._dead[reason] = self._dead.get(reason, 0) + count
            prepared.change.put(self.keys.dead, reason, self._dead[reason])
        if forwarded:
            self._forwarded += forwarded
            meta["forwarded"] = self._forwarded
        if traceparent:
            self._traces.append((self._claim.seq + 1, traceparent))
            meta["traces"] = encode_traces(self._traces)
        await self._write(prepared.change, meta)
        self.position = position

    async def note(self, notes: MetaChange) -> None:
        """Write to the meta alone: freshness, a start, a parking."""
        await self._write(Change(), notes)

    async def start_at(self, offset: int, complete_since: str | None) -> None:
        """Place a shard that has no position yet.

        If Redis has lost a shard's meta and nothing else, what is left is removed first: without an
        offset nobody knows what it counts.
        """
        scan = self._client.scan_iter(match=self.keys.pattern(), count=READ_CHUNK)
        left = sorted({key.decode() async for key in scan} - {self.keys.meta})
        if left:
            log.warning("remains_removed", shard=self.keys.shard, keys=len(left))
        for first in range(0, len(left), READ_CHUNK):
            await self._write(Change(drops=left[first : first + READ_CHUNK]), {})
        self._dead.clear()
        await self._write(
            Change(), {"offset": offset, "complete_since": complete_since or "", "parked": ""}
        )
        self.position = Position(offset)

    async def advance_horizon(self, horizon: str) -> int:
        """Forget contact dates before `horizon`; how many dates were forgotten."""
        if horizon <= self.projection.horizon:
            return 0
        known = await self._client.hkeys(self.keys.seqs)
        dates = [name.decode() for name in known if name[:1].isdigit()]
        dates = [date for date in dates if date < horizon]
        await self._know(Needs(dates=self.projection.unknown_dates(dates)))
        change = self.projection.advance(horizon, dates)
        await self._write(change, {"horizon": horizon})
        return len(dates)

    async def forget_documents(self, before: str) -> int:
        """Remove documents whose newest contact is dated before `before`; how many."""
        old = [
            task_id
            async for task_id, document in self.documents()
            if document[: len(before)].decode() < before
        ]
        for first in range(0, len(old), READ_CHUNK):
            change = Change()
            for task_id in old[first : first + READ_CHUNK]:
                change.remove(self.keys.docs, task_id)
            self.projection.forget_tasks(old[first : first + READ_CHUNK])
            await self._write(change, {})
        return len(set(old))

    def documents(self) -> AsyncIterator[tuple[str, bytes]]:
        """Every (task id, document) of the shard; some may come twice."""
        return self._reading.documents()

    async def _know(self, needs: Needs) -> None:
        if needs:
            self.projection.know(await self._reading.read(needs))

    async def _write(self, change: Change, meta: MetaChange) -> None:
        keys, args = write_arguments(self.keys, change, meta, self._claim.seq + 1)
        nonce = secrets.token_hex(8)
        head = [self._claim.epoch, self._claim.seq, nonce]
        try:
            answer = await _WRITE.run(self._client, keys, head + args)
        except RETRYABLE as error:
            # The write may or may not have happened. Once more with the same nonce: if it did,
            # the answer is `already`.
            log.warning("write_unanswered", shard=self.keys.shard, error=str(error))
            answer = await _WRITE.run(self._client, keys, head + args)
        match answer:
            case b"applied" | b"already":
                self._claim.seq += 1
            case b"ahead":
                raise Superseded(f"another owner writes to shard {self.keys.shard}")
            case b"rolled_back":
                raise RolledBack(f"Redis has lost writes to shard {self.keys.shard}")
            case b"retired":
                raise Retired(self.keys.generation)
            case _:
                raise RuntimeError(f"the write script answered {answer!r}")
