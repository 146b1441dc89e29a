"""Filling a topic for the benchmarks, on a real Kafka."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta

from support.topics import Topic, read_all
from topic import fill


async def test_every_event_is_written_to_the_topic_exactly_once(topic: Topic) -> None:
    """Also events of tomorrow, whose records have the present as their time."""
    tomorrow = datetime.now(UTC).date() + timedelta(days=1)
    for day, prefix in ((date(2025, 11, 24), "past"), (tomorrow, "ahead")):
        count = await fill(topic.bootstrap, topic.events, 700, date=day, prefix=prefix)
        assert count == 3_500
    records = await read_all(topic.bootstrap, topic.events)
    ids = Counter(record.value.split(b'"id":"', 1)[1].split(b'"', 1)[0] for record in records)
    keys = Counter(record.key for record in records)
    assert len(records) == 7_000
    assert all(record.timestamp <= datetime.now(UTC).timestamp() * 1000 for record in records)
    assert set(ids.values()) == {1}
    assert set(keys.values()) == {5}
