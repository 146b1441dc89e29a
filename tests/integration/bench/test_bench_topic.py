"""Filling a topic for the benchmarks, on a real Kafka."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from aiokafka import AIOKafkaConsumer

from support.topics import Topic
from topic import fill


async def test_everything_that_is_counted_is_in_the_topic_once(topic: Topic) -> None:
    """Tomorrow's events too, whose records bear the present."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    for day, prefix in ((date(2025, 11, 24), "past"), (tomorrow, "ahead")):
        count = await fill(topic.bootstrap, topic.events, 700, date=day, prefix=prefix)
        assert count == 3_500
    consumer = AIOKafkaConsumer(
        topic.events, bootstrap_servers=topic.bootstrap, auto_offset_reset="earliest"
    )
    await consumer.start()
    try:
        ids, keys = Counter[bytes](), Counter[bytes]()
        ends = await consumer.end_offsets(consumer.assignment())
        assert sum(ends.values()) == 7_000
        while ids.total() < 7_000:
            for batch in (await consumer.getmany(timeout_ms=200)).values():
                ids.update(
                    record.value.split(b'"id":"', 1)[1].split(b'"', 1)[0] for record in batch
                )
                keys.update(record.key for record in batch)
                assert all(
                    record.timestamp <= datetime.now(UTC).timestamp() * 1000 for record in batch
                )
    finally:
        await consumer.stop()
    assert set(ids.values()) == {1}
    assert set(keys.values()) == {5}
