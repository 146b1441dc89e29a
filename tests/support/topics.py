"""Topics of a test's own on a Kafka that all tests share."""

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from devkit.stack.topics import create_topics, delete_topics


@dataclass(frozen=True)
class Topic:
    """An events topic, its dead letters, and the Kafka they are on."""

    bootstrap: str
    events: str
    dead_letters: str
    partitions: int


@asynccontextmanager
async def fresh_topic(bootstrap: str, partitions: int = 4) -> AsyncIterator[Topic]:
    """A topic nobody has used, deleted at the end so that the embedded Kafka stays small."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    topic = Topic(bootstrap, name, f"{name}.dlq", partitions)
    await create_topics(bootstrap, topic.events, topic.dead_letters, partitions)
    yield topic
    await delete_topics(bootstrap, topic.events, topic.dead_letters)
