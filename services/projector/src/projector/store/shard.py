"""One shard in Redis, as its owner sees it: claim it, read what a batch needs, write the change.

Every write goes through one script that checks (epoch, seq) first. Its answers:

- ``applied``: done; the shard stands at seq + 1.
- ``already``: a repeat of a write whose answer got lost; it had been applied.
- ``ahead``: another owner has written since. `Superseded` is raised.
- ``rolled_back``: Redis lost writes (a failover, an emptied server). `RolledBack` is raised.
- ``retired``: the generation is no longer written. `Retired` is raised.

After any of the last three everything that was cached is void: `claim` again and go on from the
offset it returns. State and offset move together, so nothing is lost and nothing counts twice.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, ClassVar, NamedTuple

import structlog
from pydantic_core import to_json

from contracts.keys import CHANGES, ChangeHint, Fingerprint, ShardKeys
from contracts.values import TRACES_KEPT, Meta, Status, encode_traces
from projector.fold.calendar import Calendar
from projector.fold.facts import Fact
from projector.fold.projection import Change, Fold, Projection
from projector.fold.task import facts_of
from projector.store.position import Position
from projector.store.scripts import claim_script, write_script
from runtime.redis import RETRYABLE, RedisClient

log = structlog.get_logger()

READ_CHUNK = 1_000
"""Fields asked for in one HMGET."""

_WRITE = write_script(CHANGES)
_CLAIM = claim_script()


class StaleOwner(Exception):
    """The caller no longer knows the shard as it is: drop what is cached and claim it again."""

    label: ClassVar[str]
    """The value of a metric's label; it stays, whatever the class is called."""


class Superseded(StaleOwner):
    """Another owner has written to the shard."""

    label = "Superseded"


class RolledBack(StaleOwner):
    """Redis has lost writes that it had acknowledged."""

    label = "RolledBack"


class Retired(StaleOwner):
    """The shard's generation is retired: another generation is read now."""

    label = "Retired"


class ForeignFingerprint(Exception):
    """The generation was computed with other settings or another fold."""

    def __init__(self, theirs: str, ours: str) -> None:
        super().__init__(f"it was computed with {theirs}, this projector computes with {ours}")


class Prepared(NamedTuple):
    """A folded batch, ready to be written."""

    change: Change
    full: list[tuple[str, Fact]]
    """(task id, fact) that the task had no room for."""


class Shard:
    """The owner's handle on one shard. Not safe for two callers at once: hold `lock`."""

    def __init__(
        self,
        client: RedisClient,
        keys: ShardKeys,
        fingerprint: Fingerprint,
        calendar: Calendar,
        *,
        cached_tasks: int = 50_000,
    ) -> None:
        self.keys = keys
        self.lock = asyncio.Lock()
        self.projection: Projection
        self._client = client
        self._fingerprint = fingerprint.encode()
        self._calendar = calendar
        self._cached_tasks = cached_tasks
        self._epoch = ""
        self._seq = -1
        self._dead: dict[str, int] = {}
        self._forwarded = 0
        self._traces: deque[tuple[int, str]] = deque(maxlen=TRACES_KEPT)
        """(seq, traceparent) of the last writes that are traced."""
        self.position = Position(-1)
        self.meta: Meta

    # --- owning ---------------------------------------------------------------------------------

    async def claim(self, status: Status, horizon: str) -> Meta:
        """Become the owner by a new epoch and read where the shard stands.

        `status` and `horizon` are for a shard that does not exist yet. Raises
        `ForeignFingerprint`, `Retired`, or a connection error.
        """
        answer, value = await _CLAIM.run(
            self._client,
            [self.keys.meta, self.keys.none],
            [secrets.token_hex(8), self._fingerprint, status, horizon],
        )
        match answer:
            case b"retired":
                raise Retired(self.keys.generation)
            case b"foreign":
                raise ForeignFingerprint(value.decode(), self._fingerprint)
            case _:
                pass
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hgetall(self.keys.meta)
        pipeline.hgetall(self.keys.dead)
        fields, dead = await pipeline.execute()
        meta = Meta.decode(fields)
        if meta is None or meta.epoch != value.decode():
            raise Superseded("another owner claimed the shard at the same time")
        self._epoch, self._seq = meta.epoch, meta.seq
        self._dead = {reason.decode(): int(count) for reason, count in dead.items()}
        self._forwarded = meta.forwarded
        self._traces.clear()
        self.meta = meta
        self.position = Position(
            meta.offset, meta.last_offset, meta.last_timestamp, meta.last_checksum
        )
        self.projection = Projection(
            self.keys,
            self._calendar,
            meta.horizon or horizon,
            cached_tasks=self._cached_tasks,
        )
        return meta

    # --- gather, decide, apply ------------------------------------------------------------------

    async def prepare(self, facts: dict[str, list[Fact]]) -> Prepared:
        """Read what the facts (by task id) touch, and fold them.

        What is cached then runs ahead of Redis: `commit` the result, or claim the shard anew.
        """
        projection = self.projection
        every_fact = chain.from_iterable(facts.values())
        await self._know(projection.unknown_tasks(facts), projection.unknown_names(every_fact))
        fold = projection.fold(facts)
        await self._know_dates(fold.dates())
        await self._know_deliveries({*fold.deliveries, *fold.lost_addresses})
        if fold.lost:
            await self._retract(fold)
        return Prepared(projection.change(fold), fold.full)

    async def commit(
        self,
        prepared: Prepared,
        position: Position,
        *,
        dead: Mapping[str, int] | None = None,
        forwarded: int = 0,
        notes: Mapping[str, str | int] | None = None,
        traceparent: str = "",
    ) -> None:
        """Write a prepared change together with the position after it.

        `dead` counts the dead letters on the way there by reason, `forwarded` the records that
        were sent on to their own partition. Replaying an offset is a no-op. `traceparent` tells
        readers of the change which trace it belongs to.
        """
        meta: dict[str, str | int] = {
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
            self._traces.append((self._seq + 1, traceparent))
            meta["traces"] = encode_traces(self._traces)
        await self._write(prepared.change, meta)
        self.position = position

    async def note(self, notes: Mapping[str, str | int]) -> None:
        """Write to the meta alone: freshness, a start, a parking."""
        await self._write(Change(), notes)

    async def start_at(self, offset: int, complete_since: str | None) -> None:
        """Place a shard that has no position yet.

        Where Redis has lost a shard's meta and nothing else, what is left is removed first: no
        offset tells what it counts.
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
        await self._know_dates(dates)
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

    async def documents(self) -> AsyncIterator[tuple[str, bytes]]:
        """Every (task id, document) of the shard; some may come twice.

        A cursor means nothing to another server: where the slot moves, or a replica takes over,
        in the middle of a scan, documents are skipped. Then it is begun anew.
        """
        present = await self._client.hlen(self.keys.docs)
        seen: set[bytes] = set()
        while True:
            cursor = -1
            while cursor:
                pipeline = self._reading()
                pipeline.hscan(self.keys.docs, max(cursor, 0), count=READ_CHUNK)
                [(cursor, page)] = await self._answers(pipeline)
                for name, value in page.items():
                    seen.add(name)
                    yield name.decode(), value
            if len(seen) >= present:
                return
            log.warning("scan_repeated", shard=self.keys.shard, present=present, seen=len(seen))
            present = min(present, await self._client.hlen(self.keys.docs))

    async def _retract(self, fold: Fold) -> None:
        """Find again what only a replaced fact had told: a rare scan of all documents.

        Tasks in memory are newer than their documents while a write is still under way.
        """
        projection = self.projection
        await self._know((), projection.unknown_names(fold.lost))
        names, addresses = projection.retractions(fold)
        if not names and not addresses:
            return
        needles = [to_json(one)[1:-1] for one in {named for _, named in names} | addresses]
        others = []
        async for task_id, document in self.documents():
            if any(needle in document for needle in needles) and not projection.knows(task_id):
                others.append(facts_of(document))
        projection.retract(fold, names, addresses, others)

    async def _know(self, tasks: Sequence[str], names: Mapping[str, Iterable[str]]) -> None:
        """Read documents, and name entries by kind, into memory."""
        if not tasks and not names:
            return
        projection = self.projection
        pipeline = self._reading()
        for first in range(0, len(tasks), READ_CHUNK):
            pipeline.hmget(self.keys.docs, tasks[first : first + READ_CHUNK])
        asked = {kind: list(ids) for kind, ids in names.items()}
        for kind, ids in asked.items():
            pipeline.hmget(self.keys.names(kind), ids)
        answers = iter(await self._answers(pipeline))
        for first in range(0, len(tasks), READ_CHUNK):
            chunk = tasks[first : first + READ_CHUNK]
            for task_id, document in zip(chunk, next(answers), strict=True):
                projection.know_task(task_id, document)
        for kind, ids in asked.items():
            for named, value in zip(ids, next(answers), strict=True):
                projection.know_name(kind, named, value)

    async def _know_dates(self, dates: Iterable[str]) -> None:
        unknown = self.projection.unknown_dates(dates)
        if not unknown:
            return
        pipeline = self._reading()
        for date in unknown:
            pipeline.hgetall(self.keys.cells(date))
            pipeline.hgetall(self.keys.open(date))
        answers = await self._answers(pipeline)
        for at, date in enumerate(unknown):
            self.projection.know_date(date, answers[2 * at], answers[2 * at + 1])

    async def _know_deliveries(self, addresses: set[str]) -> None:
        unknown = self.projection.unknown_deliveries(addresses)
        if not unknown:
            return
        pipeline = self._reading()
        pipeline.hmget(self.keys.deliveries, unknown)
        [values] = await self._answers(pipeline)
        for address, value in zip(unknown, values, strict=True):
            self.projection.know_delivery(address, value)

    def _reading(self) -> Any:
        """A pipeline for `_answers`."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hmget(self.keys.meta, "epoch", "seq")
        return pipeline

    async def _answers(self, pipeline: Any) -> list[Any]:
        """What the shard holds, no older than its last write that was answered.

        After a failover one connection may lead to the new primary, and another still to the
        old one: what that holds must not be folded on.
        """
        mine, least = self._epoch, self._seq
        answers: list[Any] = await pipeline.execute()
        epoch, seq = answers.pop(0)
        if epoch is None or epoch.decode() != mine or int(seq) < least:
            if epoch is not None and _number(epoch.decode()) > _number(mine):
                raise Superseded(f"another owner has claimed shard {self.keys.shard}")
            raise RolledBack(f"Redis answers with less of shard {self.keys.shard} than it took")
        return answers

    # --- the script -----------------------------------------------------------------------------

    async def _write(self, change: Change, meta: Mapping[str, str | int]) -> None:
        keys, args = _arguments(self.keys, change, meta, self._seq + 1)
        nonce = secrets.token_hex(8)
        head = [self._epoch, self._seq, nonce]
        try:
            answer = await _WRITE.run(self._client, keys, head + args)
        except RETRYABLE as error:
            # The write may or may not have happened. Once more with the same nonce: if it did,
            # the answer is `already`.
            log.warning("write_unanswered", shard=self.keys.shard, error=str(error))
            answer = await _WRITE.run(self._client, keys, head + args)
        match answer:
            case b"applied" | b"already":
                self._seq += 1
            case b"ahead":
                raise Superseded(f"another owner writes to shard {self.keys.shard}")
            case b"rolled_back":
                raise RolledBack(f"Redis has lost writes to shard {self.keys.shard}")
            case b"retired":
                raise Retired(self.keys.generation)
            case _:
                raise RuntimeError(f"the write script answered {answer!r}")


def _number(epoch: str) -> int:
    return int(epoch.partition("-")[0])


def _arguments(
    keys: ShardKeys, change: Change, meta: Mapping[str, str | int], seq: int
) -> tuple[list[str], list[Any]]:
    """KEYS and ARGV of the write script, after its epoch, seq and nonce."""
    names = [keys.meta, keys.seqs]
    dates = sorted(change.moved)
    moved = (*dates, *change.gone)
    hint = ChangeHint(keys.generation, keys.shard, seq, moved).encode() if dates else b""
    args: list[Any] = [hint, 2 * len(meta)]
    for name, value in meta.items():
        args += (name, value)
    args.append(len(dates))
    args += dates
    args.append(len(change.gone))
    args += change.gone
    for key in change.drops:
        names.append(key)
        args.append(1)
    for key in change.sets.keys() | change.deletes.keys():
        names.append(key)
        fields = change.sets.get(key, {})
        removed = [name for name in change.deletes.get(key, ()) if name not in fields]
        args += (0, 2 * len(fields))
        for pair in fields.items():
            args += pair
        args.append(len(removed))
        args += removed
    return names, args
