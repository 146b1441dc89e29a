"""`verify` if Kafka no longer has what the shards were folded from."""

from devkit.stack.topics import create_topics, delete_topics
from support.events import planned
from support.processes import projector_command
from support.projecting import running_projector, shards_of
from support.publishing import publish
from support.topics import Topic


async def test_verify_reports_a_truncated_or_missing_topic(topic: Topic, redis_url: str) -> None:
    async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
        await publish(topic, [planned(f"T{n}") for n in range(40)])
        await shards.caught_up()
    await delete_topics(topic.bootstrap, topic.events, topic.dead_letters)
    gone = await projector_command(topic, redis_url, "verify")
    assert (gone.code, len(gone.lines)) == (1, 1)
    assert f"there is no topic {topic.events}" in gone.err
    await create_topics(topic.bootstrap, topic.events, topic.dead_letters, topic.partitions)
    shorter = await projector_command(topic, redis_url, "verify")
    assert shorter.code == 1
    assert "Kafka gives only 0 records" in shorter.out
