"""From records to a change of their shard: chunk, decode, fold, send what must be sent, write.

aiokafka hands out records of an assignment before the listener has run, and records that were
fetched before a seek. So only a live partition's records are applied, and only from exactly the
offset that its shard is at; if an offset is skipped (transactions leave such gaps), the log
itself is asked whether there was anything.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from functools import partial
from typing import Any, Final

import structlog
from aiokafka import ConsumerRecord

from projector import metrics
from projector.consumer.decode import decode
from projector.consumer.errors import CLAIM_AGAIN, Parked
from projector.consumer.event_log import checksum
from projector.consumer.generation import FoldedGeneration
from projector.consumer.outgoing import records_of_full_tasks, sort
from projector.consumer.partition import OwnedPartition
from projector.store.position import Position
from projector.tracing.traces import Chunk

log = structlog.get_logger()

CHUNK_RECORDS: Final = 4_000
"""Records folded into one script: a few milliseconds of work for Redis."""

CHUNK_BYTES: Final = 4 << 20
"""Bytes of values in one chunk, whatever their number."""

Write = Callable[[], Coroutine[Any, Any, None]]
"""A write that is ready to be made."""


async def consume(
    generation: FoldedGeneration, owned: OwnedPartition, records: list[ConsumerRecord]
) -> None:
    """Apply records of one partition, if it is live. Never raises."""
    async with owned.lock:
        if owned.state != "live":
            return
        try:
            with metrics.BATCH_S.time():
                await _apply(generation, owned, records)
            owned.failures = 0
        except Parked as error:
            owned.restore("parked", str(error))
        except CLAIM_AGAIN as error:
            owned.claim_again("batch_refused", error)
        except Exception:
            log.exception("batch_failed", partition=owned.partition, offset=records[0].offset)
            owned.restore("failed")


async def _apply(
    generation: FoldedGeneration, owned: OwnedPartition, records: list[ConsumerRecord]
) -> None:
    expected, first = owned.offset, records[0].offset
    if first != expected and not await _follows(generation, owned, first):
        log.warning(
            "offset_does_not_follow", partition=owned.partition, expected=expected, got=first
        )
        owned.restore("does_not_follow")
        return
    writing: asyncio.Task[None] | None = None
    try:
        for chunk in chunks(records):
            traced = generation.traces.chunk(
                chunk, group=generation.group, generation=generation.name
            )
            with traced as trace:
                write = await _fold(generation, owned, chunk, trace)
                if writing:
                    await writing
                writing = asyncio.create_task(trace.written(write()))
            await asyncio.sleep(0)  # let it be sent; the next chunk is folded meanwhile
    finally:
        if writing:
            await writing
    owned.shard.projection.forget_some()
    metrics.RECORDS.labels(owned.partition).inc(len(records))


async def _follows(generation: FoldedGeneration, owned: OwnedPartition, first: int) -> bool:
    """Whether the log holds nothing between the shard's offset and `first`."""
    expected = owned.offset
    if first < expected:
        return False
    found = await generation.log.record_at(owned.partition, expected, first + 1)
    return found is not None and found.offset == first


async def _fold(
    generation: FoldedGeneration,
    owned: OwnedPartition,
    records: list[ConsumerRecord],
    trace: Chunk,
) -> Write:
    """Decode and fold a chunk and send what must be sent; the write that is left to do."""
    partitions = generation.partitions
    with trace.step("decode"):
        verdicts = [decode(record, partitions) for record in records]
        facts, outgoing = sort(records, verdicts)
    with trace.step("fold"):
        prepared = await owned.shard.prepare(facts)
    if prepared.full:
        outgoing.dead_letters += records_of_full_tasks(records, verdicts, prepared.full)
    trace.found(dead_letters=len(outgoing.dead_letters), misrouted=len(outgoing.misrouted))
    owned.storms.park_if_storm(records, outgoing.dead_letters)
    if outgoing:
        with trace.step("send on"):
            if not generation.is_silent:
                await outgoing.send(generation.log)
        outgoing.count()
    last = records[-1]
    position = Position(last.offset + 1, last.offset, last.timestamp, checksum(last))
    return partial(
        owned.shard.commit,
        prepared,
        position,
        dead=outgoing.reasons(),
        forwarded=len(outgoing.misrouted),
        notes={**owned.watermark.reach(position.offset), **owned.storms.notes()},
        traceparent=trace.traceparent,
    )


def chunks(records: list[ConsumerRecord]) -> Iterator[list[ConsumerRecord]]:
    """The records in runs that one script can take."""
    start = size = 0
    for at, record in enumerate(records, 1):
        size += len(record.value or b"")
        if at - start >= CHUNK_RECORDS or size >= CHUNK_BYTES or at == len(records):
            yield records[start:at]
            start, size = at, 0
