"""How fresh the shards are: the partitions' ends are sampled, and noted once they are reached."""

import asyncio
import time
from typing import Final

from contracts.meta import MetaChange
from projector import metrics
from projector.consumer.assignment import Assignment
from projector.consumer.continuity import Extent, reaches
from projector.consumer.errors import CLAIM_AGAIN
from projector.consumer.generation import FoldedGeneration
from projector.consumer.partition import OwnedPartition
from projector.store.generations import ensure_live
from projector.store.position import Position

SAMPLE_S: Final = 1.0
"""Seconds between two samples of the partitions' ends."""


async def sample_freshness(assignment: Assignment) -> None:
    """Sample the ends of all live partitions, and note how fresh their shards are."""
    live, generation = assignment.live(), assignment.generation
    if not live:
        return
    if not generation.is_building:
        await ensure_live(generation.client, generation.name, generation.fingerprint)
    now_ms = time.time_ns() // 1_000_000
    extents = await generation.log.extents([owned.partition for owned in live])
    await asyncio.gather(
        *(_sample(generation, owned, now_ms, extents[owned.partition]) for owned in live)
    )


async def _sample(
    generation: FoldedGeneration, owned: OwnedPartition, now_ms: int, extent: Extent
) -> None:
    async with owned.lock:
        if owned.state != "live":
            return
        at = owned.offset
        if not reaches(extent, at):
            owned.restore("log_moved")
            return
        try:
            owned.watermark.sample(now_ms, extent.end, at)
            notes = owned.watermark.reach(at)
            if owned.watermark.is_idle and at < extent.end:
                notes |= await _skip_marks(generation, owned, extent.end)
            lag = extent.end - owned.offset
            metrics.LAG.labels(owned.partition).set(lag)
            if owned.watermark.as_of:
                metrics.AS_OF.labels(owned.partition).set(owned.watermark.as_of / 1000)
            await owned.shard.note({"end_offset": extent.end, **notes})
        except CLAIM_AGAIN as error:
            owned.claim_again("sample_refused", error)


async def _skip_marks(generation: FoldedGeneration, owned: OwnedPartition, end: int) -> MetaChange:
    """Step over a tail that holds no records, only the marks that transactions leave."""
    shard = owned.shard
    if await generation.log.record_at(owned.partition, shard.position.offset, end) is not None:
        return {}
    last = shard.position
    shard.position = Position(end, last.last_offset, last.last_timestamp, last.last_checksum)
    return {"offset": end, **owned.watermark.reach(end)}
