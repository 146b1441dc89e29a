"""The topics of the stack: the events and their dead letters."""

import asyncio
import time

from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import KafkaError, TopicAlreadyExistsError, for_code

from devkit.errors import StackError

PARTITIONS = 8
"""Partitions of the events topic by default."""

LEADERS_TIMEOUT_S = 30.0
"""Seconds within which every partition of a new topic must have a leader."""

POLL_S = 0.05

_CONFIGURATION = {
    # The projection can be rebuilt from Kafka only while Kafka has all events.
    "retention.ms": "-1",
    "cleanup.policy": "delete",
    # Otherwise Kafka refuses records with a time in the future, which a replayed day may have.
    "message.timestamp.after.max.ms": str(2**63 - 1),
}


async def kafka_answers(bootstrap: str) -> bool:
    """Returns whether a broker answers a metadata request there."""
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap, request_timeout_ms=5_000)
    try:
        await admin.start()
        await admin.list_topics()
    except (KafkaError, OSError):
        return False
    finally:
        await admin.close()
    return True


async def create_topics(
    bootstrap: str,
    events: str,
    dead_letters: str,
    partitions: int = PARTITIONS,
    replication_factor: int = 1,
) -> None:
    """Create the two topics, but for one that exists.

    An events topic with another number of partitions is a `StackError`.
    """
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    try:
        await admin.start()
    except (KafkaError, OSError) as error:
        await admin.close()
        raise StackError(f"no Kafka answers at {bootstrap}: {error}") from error
    try:
        answer = await admin.create_topics(
            [
                NewTopic(events, partitions, replication_factor, topic_configs=_CONFIGURATION),
                NewTopic(dead_letters, 1, replication_factor, topic_configs=_CONFIGURATION),
            ]
        )
        for name, code, *_ in answer.topic_errors:
            if code and for_code(code) is not TopicAlreadyExistsError:
                raise StackError(f"topic {name} cannot be created: {for_code(code).__name__}")
        found = await _led_partitions(admin, events)
        await _led_partitions(admin, dead_letters)
        if found != partitions:
            raise StackError(
                f"topic {events} has {found} partitions, not {partitions}: start with "
                f"--partitions {found}, change it with `obzvon repartition`, or start over with "
                "--fresh"
            )
    finally:
        await admin.close()


async def _led_partitions(admin: AIOKafkaAdminClient, name: str) -> int:
    """Returns the number of partitions, once each of them has a leader that takes records.

    A cluster reports a topic as created before all of its brokers know it.
    """
    give_up = time.monotonic() + LEADERS_TIMEOUT_S
    while True:
        (topic,) = await admin.describe_topics([name])
        partitions = topic["partitions"]
        if partitions and all(one["leader"] >= 0 for one in partitions):
            return len(partitions)
        if time.monotonic() > give_up:
            raise StackError(f"topic {name} has no leaders after {LEADERS_TIMEOUT_S:.0f} s")
        await asyncio.sleep(POLL_S)


async def delete_topics(bootstrap: str, *names: str) -> None:
    admin = AIOKafkaAdminClient(bootstrap_servers=bootstrap)
    await admin.start()
    try:
        await admin.delete_topics(list(names))
    finally:
        await admin.close()
