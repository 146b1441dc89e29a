"""The events topic is copied into one with another number of partitions, then projected again."""

from dataclasses import replace

from devkit.stack.topics import delete_topics
from support.events import called, planned
from support.processes import projector_command
from support.projecting import Shards, running_projector, shards_of
from support.publishing import compressing_producer, publish
from support.topics import Topic
from support.waiting import until

EVENTS = [one for n in range(60) for one in (planned(f"T{n}"), called(f"T{n}"))]


async def test_copy_has_every_task_and_a_second_run_copies_only_new_records(
    topic: Topic, redis_url: str
) -> None:
    to = replace(topic, events=topic.events + "-7", partitions=7)
    arguments = ("repartition", "--to-topic", to.events, "--partitions", "7")
    try:
        async with running_projector(topic, redis_url), shards_of(topic, redis_url) as shards:
            await publish(topic, EVENTS[:100])
            await shards.caught_up()
        first = await projector_command(topic, redis_url, *arguments)
        assert (first.code, first.err) == (0, "")
        assert "repartition: 100 records copied" in first.out
        await publish(topic, EVENTS[100:])
        second = await projector_command(topic, redis_url, *arguments)
        assert "repartition: 20 records copied" in second.out

        wrong = await projector_command(topic, redis_url, *arguments[:-1], "8")
        assert (wrong.code, len(wrong.lines)) == (1, 1)
        assert "has 7 partitions, not 8" in wrong.err

        async with running_projector(to, redis_url, on_foreign="rebuild") as projector:
            new = Shards(to, redis_url, "g2")
            await until(lambda: projector.assignment and not projector.not_ready(), within_s=40)
            assert sum([await new.client.hlen(keys.docs) for keys in new.keys]) == 60
            metas = await new.metas()
            assert sum(meta.offset for meta in metas if meta) == 120
            assert sum(meta.forwarded for meta in metas if meta) == 0
            await new.client.aclose()
        ended = await projector_command(to, redis_url, "verify")
        assert ended.code == 0, ended.out
    finally:
        await delete_topics(topic.bootstrap, to.events)


async def test_record_too_large_to_copy_is_skipped_and_reported(
    topic: Topic, redis_url: str
) -> None:
    to = replace(topic, events=topic.events + "-2", partitions=2)
    producer = compressing_producer(topic)
    producer.produce(topic.events, b"x" * 3_000_000, b"T1", partition=1)
    assert producer.flush(20) == 0
    await publish(topic, [planned("T1")])
    try:
        arguments = ("repartition", "--to-topic", to.events, "--partitions", "2")
        ended = await projector_command(topic, redis_url, *arguments)
        assert (ended.code, ended.err) == (0, "")
        assert "partition 1: 1 records left out, dead letters too large to copy" in ended.out
        assert "repartition: 1 records copied" in ended.out
    finally:
        await delete_topics(topic.bootstrap, to.events)


async def test_copying_a_topic_to_itself_is_refused(topic: Topic, redis_url: str) -> None:
    arguments = ("repartition", "--to-topic", topic.events, "--partitions", "7")
    ended = await projector_command(topic, redis_url, *arguments)
    assert (ended.code, len(ended.lines)) == (2, 1)
