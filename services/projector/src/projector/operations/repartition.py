"""Copy the events topic into one with another number of partitions.

Records keep key, value, headers and timestamp. Which partition a task goes to follows from its
key, as for any publisher. How far each partition has been copied is stored in Kafka, as the offsets
of a group: so a second run, after the publishers were moved, copies only what came since; and
a run that broke off copies a little twice at most, which does no harm.
"""

from collections.abc import Callable
from typing import Any

from aiokafka import AIOKafkaConsumer, OffsetAndMetadata, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import TopicAlreadyExistsError

from projector.consumer.decode import MAX_RECORD_BYTES, partition_of, size_of
from projector.consumer.event_log import EventLog, manual_consumer
from projector.consumer.topic import configs_of
from projector.settings import Settings

AT_ONCE = 2_000
"""Records copied before the progress is stored."""

KEPT_CONFIGS = ("cleanup.policy", "retention.ms", "retention.bytes", "max.message.bytes")
"""Settings that the new topic takes over from the old one."""

Say = Callable[[str], None]


class WrongTarget(Exception):
    """The topic to copy into can't be used; the message says why."""


class Repartition:
    """One copy of a topic into another one."""

    def __init__(
        self, source: EventLog, target: EventLog, options: dict[str, Any], say: Say
    ) -> None:
        self._source = source
        self._target = target
        self._options = options
        self._say = say

    async def make_target(self, partitions: int) -> None:
        """Create the target, unless it exists with just as many partitions."""
        admin = AIOKafkaAdminClient(**self._options)
        await admin.start()
        try:
            (described,) = await admin.describe_topics([self._source.topic])
            replicas = len(described["partitions"][0]["replicas"])
            known = await configs_of(admin, self._source.topic)
            configs = {name: known[name] for name in KEPT_CONFIGS if name in known}
            topic = NewTopic(self._target.topic, partitions, replicas, topic_configs=configs)
            try:
                await admin.create_topics([topic])
            except TopicAlreadyExistsError:
                pass
            else:
                self._say(f"made topic {self._target.topic} with {partitions} partitions")
        finally:
            await admin.close()

    async def run(self, partitions: int) -> int:
        """Copy what is in the topic now and has not been copied yet; how many records."""
        there = await self._target.partitions()
        if there != partitions:
            raise WrongTarget(
                f"topic {self._target.topic} has {there} partitions, not {partitions}: "
                "name another one, or give that number"
            )
        group = f"obzvon-repartition.{self._source.topic}.{self._target.topic}"
        consumer = manual_consumer(self._options, group_id=group)
        await consumer.start()
        try:
            extents = await self._target.extents(range(partitions))
            is_empty = all(extent.begin == extent.end for extent in extents.values())
            copied = 0
            for partition in range(await self._source.partitions()):
                copied += await self._copy(consumer, partition, partitions, from_begin=is_empty)
            return copied
        finally:
            await consumer.stop()

    async def _copy(
        self, consumer: AIOKafkaConsumer, partition: int, partitions: int, *, from_begin: bool
    ) -> int:
        tp = TopicPartition(self._source.topic, partition)
        extent = (await self._source.extents([partition]))[partition]
        consumer.assign([tp])
        stored = None if from_begin else await consumer.committed(tp)
        consumer.seek(tp, max(extent.begin, stored or 0))
        copied = left = 0
        while (await consumer.position(tp)) < extent.end:
            got = await consumer.getmany(tp, timeout_ms=200, max_records=AT_ONCE)
            sending = []
            for record in got.get(tp, ()):
                if size_of(record) > MAX_RECORD_BYTES:
                    left += 1
                    continue
                home = partition % partitions
                if record.key is not None:
                    home = partition_of(record.key, partitions)
                sending.append(await self._target.forward(record, home))
            for sent in sending:
                await sent
            copied += len(sending)
            await consumer.commit({tp: OffsetAndMetadata(await consumer.position(tp), "")})
        self._say(f"partition {partition}: {copied} records copied, through offset {extent.end}")
        if left:
            self._say(
                f"partition {partition}: {left} records left out, dead letters too large to copy"
            )
        return copied


async def repartition(settings: Settings, to_topic: str, partitions: int, say: Say) -> int:
    """Copy what the events topic has and `to_topic` has not; how many records.

    Raises `WrongTarget` if `to_topic` has another number of partitions.
    """
    options = settings.kafka_options()
    source = EventLog(settings.events_topic, settings.dead_letter_topic, options)
    target = EventLog(to_topic, settings.dead_letter_topic, options)
    try:
        await source.start()
        await target.start()
        await source.partitions()  # it must exist
        work = Repartition(source, target, options, say)
        await work.make_target(partitions)
        return await work.run(partitions)
    finally:
        await source.stop()
        await target.stop()
