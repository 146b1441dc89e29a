"""Reading a shard: no less than its owner has written."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

import structlog

from contracts.keys import ShardKeys
from projector.fold.needs import Answers, Needs
from projector.store.errors import RolledBack, Superseded
from runtime.redis import RedisClient

log = structlog.get_logger()

READ_CHUNK: Final = 1_000
"""Fields asked for in one HMGET."""


@dataclass
class Claim:
    """By what a shard knows its owner."""

    epoch: str
    """The owner's token: ``NUMBER-RANDOM``."""
    seq: int
    """How many writes the shard has had, as far as the owner knows."""


class ShardReading:
    """Reads a shard for its owner.

    After a failover one connection may lead to the new primary, and another still to the old one:
    what that holds must not be folded on. So each answer comes with the shard's epoch and seq, and
    one that is older than the last write that was answered raises `RolledBack` or `Superseded`.
    """

    def __init__(self, client: RedisClient, keys: ShardKeys, claim: Claim) -> None:
        self._client = client
        self._keys = keys
        self._claim = claim

    async def read(self, needs: Needs) -> Answers:
        """Everything that is needed: in one round trip, unless all documents are looked at."""
        if needs.documents_with:
            return Answers(documents=await self._documents_with(needs.documents_with))
        answers = Answers()
        pipeline = self._pipeline()
        for first in range(0, len(needs.tasks), READ_CHUNK):
            pipeline.hmget(self._keys.docs, needs.tasks[first : first + READ_CHUNK])
        names = {kind: list(ids) for kind, ids in needs.names.items()}
        for kind, ids in names.items():
            pipeline.hmget(self._keys.names(kind), ids)
        for date in needs.dates:
            pipeline.hgetall(self._keys.cells(date))
            pipeline.hgetall(self._keys.hours(date))
            pipeline.hgetall(self._keys.open(date))
        if needs.deliveries:
            pipeline.hmget(self._keys.deliveries, needs.deliveries)
        found = iter(await self._execute(pipeline))
        for first in range(0, len(needs.tasks), READ_CHUNK):
            chunk = needs.tasks[first : first + READ_CHUNK]
            answers.tasks.update(zip(chunk, next(found), strict=True))
        for kind, ids in names.items():
            answers.names[kind] = dict(zip(ids, next(found), strict=True))
        for date in needs.dates:
            answers.dates[date] = (next(found), next(found), next(found))
        if needs.deliveries:
            answers.deliveries = dict(zip(needs.deliveries, next(found), strict=True))
        return answers

    async def documents(self) -> AsyncIterator[tuple[str, bytes]]:
        """Every (task id, document) of the shard; some may come twice.

        A cursor means nothing to another server: if the slot moves, or a replica takes over, in
        the middle of a scan, documents are skipped. Then the scan is begun again.
        """
        present = await self._client.hlen(self._keys.docs)
        seen: set[bytes] = set()
        while True:
            cursor = -1
            while cursor:
                pipeline = self._pipeline()
                pipeline.hscan(self._keys.docs, max(cursor, 0), count=READ_CHUNK)
                [(cursor, page)] = await self._execute(pipeline)
                for name, value in page.items():
                    seen.add(name)
                    yield name.decode(), value
            if len(seen) >= present:
                return
            log.warning("scan_repeated", shard=self._keys.shard, present=present, seen=len(seen))
            present = min(present, await self._client.hlen(self._keys.docs))

    async def _documents_with(self, needles: Sequence[bytes]) -> dict[str, bytes]:
        return {
            task_id: document
            async for task_id, document in self.documents()
            if any(needle in document for needle in needles)
        }

    def _pipeline(self) -> Any:
        """A pipeline for `_execute`."""
        pipeline = self._client.pipeline(transaction=False)
        pipeline.hmget(self._keys.meta, "epoch", "seq")
        return pipeline

    async def _execute(self, pipeline: Any) -> list[Any]:
        """What the shard holds, no older than its last write that was answered."""
        mine, least = self._claim.epoch, self._claim.seq
        answers: list[Any] = await pipeline.execute()
        epoch, seq = answers.pop(0)
        if epoch is None or epoch.decode() != mine or int(seq) < least:
            if epoch is not None and number_of(epoch.decode()) > number_of(mine):
                raise Superseded(f"another owner has claimed shard {self._keys.shard}")
            raise RolledBack(f"Redis answers with less of shard {self._keys.shard} than it took")
        return answers


def number_of(epoch: str) -> int:
    """The number of an epoch: of two owners, the later one has the higher number."""
    return int(epoch.partition("-")[0])
