"""A simulated day on a real Kafka."""

import asyncio
import io
import json
from collections import Counter
from dataclasses import replace
from datetime import date, time, timedelta

import pytest
from aiokafka.partitioner import murmur2
from rich.console import Console

from contracts.events import EVENT_ADAPTER, MAX_AHEAD_S, STRUCTURED_CONTENT_TYPE
from devkit.errors import StackError
from devkit.simulator.clock import HOUR
from devkit.simulator.play import PlayProgress, play, simulate
from devkit.simulator.staging import SimulateOptions
from support.topics import Topic, read_all

DAY = date(2025, 11, 24)
AT_ONCE = SimulateOptions(operators=4, tasks=80, speed=0, day=DAY)


async def test_printed_counts_match_what_kafka_holds(topic: Topic) -> None:
    counts = await simulate(AT_ONCE, bootstrap=topic.bootstrap, topic=topic.events)
    records = await read_all(topic.bootstrap, topic.events)
    assert len(records) == counts.published == counts.total
    assert Counter(json.loads(record.value)["type"] for record in records) == counts.by_type


async def test_records_look_like_those_of_any_publisher(topic: Topic) -> None:
    await simulate(AT_ONCE, bootstrap=topic.bootstrap, topic=topic.events)
    for record in await read_all(topic.bootstrap, topic.events):
        event = EVENT_ADAPTER.validate_json(record.value)
        assert record.key.decode() == event.subject
        assert ("content-type", STRUCTURED_CONTENT_TYPE.encode()) in record.headers
        assert record.partition == (murmur2(record.key) & 0x7FFFFFFF) % topic.partitions
        assert event.time.timestamp() - record.timestamp / 1000 <= MAX_AHEAD_S


async def test_until_option_stops_at_that_time_of_the_day(topic: Topic) -> None:
    counts = await simulate(
        replace(AT_ONCE, until=time(12, 30)), bootstrap=topic.bootstrap, topic=topic.events
    )
    times = [
        json.loads(record.value)["time"] for record in await read_all(topic.bootstrap, topic.events)
    ]
    assert len(times) == counts.published > 0
    assert max(times) <= "2025-11-24T12:30:00+03:00"
    assert counts.hour <= "24.11 12:30"


async def test_shifted_day_starts_in_its_late_morning_and_goes_on(topic: Topic) -> None:
    """The past comes at once; then event after event, as its time comes."""
    options = SimulateOptions(speed=10_000, shift_to_now=True, days_before=0)
    reached = []
    in_the_afternoon = asyncio.Event()

    def seen(counts: PlayProgress) -> None:
        reached.append(counts.second / HOUR)
        if reached[-1] >= 14:
            in_the_afternoon.set()

    playing = asyncio.create_task(
        simulate(options, bootstrap=topic.bootstrap, topic=topic.events, on_progress=seen)
    )
    await asyncio.wait_for(in_the_afternoon.wait(), 30)
    playing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await playing
    assert any(11.5 <= hour < 13.5 for hour in reached)
    assert len(await read_all(topic.bootstrap, topic.events)) > 600


async def test_a_week_before_is_published_with_the_times_of_its_events(topic: Topic) -> None:
    await simulate(
        replace(AT_ONCE, operators=2, tasks=20), bootstrap=topic.bootstrap, topic=topic.events
    )
    dates = set()
    for record in await read_all(topic.bootstrap, topic.events):
        event = EVENT_ADAPTER.validate_json(record.value)
        assert abs(event.time.timestamp() - record.timestamp / 1000) < 1
        if event.type == "task-planned.v1":
            dates.add(event.data.contact_date)
    assert {DAY - timedelta(days=days) for days in range(8)} <= dates


async def test_without_a_terminal_progress_and_counts_are_plain_lines(
    topic: Topic,
) -> None:
    printed, progress = io.StringIO(), io.StringIO()
    counts = await play(
        AT_ONCE,
        bootstrap=topic.bootstrap,
        topic=topic.events,
        out=Console(file=printed),
        err=Console(file=progress),
    )
    line = printed.getvalue()
    assert line.startswith(f"published {counts.published} events for 2025-11-24: called ")
    assert line.count("\n") == 1
    assert "\x1b" not in progress.getvalue() + line


async def test_unreachable_broker_is_reported_in_one_line() -> None:
    with pytest.raises(StackError, match=r"127\.0\.0\.1:1"):
        await simulate(AT_ONCE, bootstrap="127.0.0.1:1", topic="task-events")
