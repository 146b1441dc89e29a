"""The partitions that the consumer group assigns to this process."""

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from typing import Any, Final

from aiokafka import (
    AIOKafkaConsumer,
    ConsumerRebalanceListener,
    ConsumerRecord,
    OffsetAndMetadata,
    TopicPartition,
)

from projector import metrics
from projector.consumer.generation import FoldedGeneration
from projector.consumer.partition import OwnedPartition
from projector.consumer.pipeline import consume
from runtime.tasks import cancel_all

COMMIT_S: Final = 5.0
"""Seconds between commits to the group, for lag monitors only."""


class Assignment(ConsumerRebalanceListener):  # type: ignore[misc]  # aiokafka is untyped
    """What this process owns of a generation, from assignment to loss."""

    def __init__(self, generation: FoldedGeneration) -> None:
        self.generation = generation
        self.partitions: dict[int, OwnedPartition] = {}
        self.consumer_of: Callable[[], AIOKafkaConsumer | None]
        """The consumer whose assignment this is; set before it is started. None: it has stopped."""
        self.has_joined = False
        """Whether the group has said which partitions this process gets, if any."""
        self._tasks: set[asyncio.Task[None]] = set()
        self._is_closed = False

    @property
    def consumer(self) -> AIOKafkaConsumer | None:
        return self.consumer_of()

    def live(self) -> list[OwnedPartition]:
        """The partitions whose records are applied."""
        return [owned for owned in self.partitions.values() if owned.state == "live"]

    # --- what the group says ----------------------------------------------------------------------

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Let go. A write still under way is either done or refused: the next owner claims."""
        self.has_joined = False
        for tp in revoked:
            owned = self.partitions.pop(tp.partition, None)
            if owned:
                owned.cancel()
            metrics.LIVE.labels(tp.partition).set(0)
            metrics.PARKED.labels(tp.partition).set(0)

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Only pause, here: no heartbeat is sent while this runs."""
        self.has_joined = True
        consumer = self.consumer
        assert consumer is not None  # it is the one that calls
        consumer.pause(*assigned)
        for tp in assigned:
            owned = OwnedPartition(tp.partition, self.generation, self)
            self.partitions[tp.partition] = owned
            owned.restore("assigned")

    # --- what its partitions ask --------------------------------------------------------------------

    def holds(self, owned: OwnedPartition) -> bool:
        """Whether the partition is still assigned, and more may be begun with it."""
        return not self._is_closed and self.partitions.get(owned.partition) is owned

    def release(self, owned: OwnedPartition) -> None:
        """Have nothing to do with the partition any more."""
        del self.partitions[owned.partition]

    def start(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Run the work in the background; `close` ends it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    # --- records ------------------------------------------------------------------------------------

    async def handle(self, records: Iterable[ConsumerRecord]) -> None:
        """Apply a batch that spans partitions. Never raises."""
        by_partition: dict[int, list[ConsumerRecord]] = {}
        for record in records:
            by_partition.setdefault(record.partition, []).append(record)
        await asyncio.gather(*(self._consume(*one) for one in by_partition.items()))

    async def _consume(self, partition: int, records: list[ConsumerRecord]) -> None:
        owned = self.partitions.get(partition)
        if owned is not None and owned.state == "live":
            await consume(self.generation, owned, records)

    async def commit_offsets(self) -> None:
        """Commit the shards' offsets to the group."""
        offsets = {
            owned.topic_partition: OffsetAndMetadata(owned.offset, "") for owned in self.live()
        }
        if offsets and (consumer := self.consumer):
            await consumer.commit(offsets)

    # --- its life -----------------------------------------------------------------------------------

    def go_live(self) -> None:
        """What was built has become live: take every shard over, as if it were assigned now."""
        self.generation.go_live()
        for owned in list(self.partitions.values()):
            owned.cancel()  # it may still claim for what is only built
            owned.restore("live")

    async def close(self) -> None:
        """Stop what is under way, and begin nothing more, whatever the group still assigns."""
        self._is_closed = True
        await cancel_all(list(self._tasks))
