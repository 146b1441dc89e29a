"""`obzvon publish` on a real broker, as a user runs it."""

import asyncio
import json
import os
import time
from pathlib import Path

import pytest

from devkit.errors import StackError
from devkit.publishing.sending import Publisher
from devkit.stack.engines import EmbeddedKafka
from devkit.stack.ports import free_port
from devkit.stack.topics import create_topics
from support.events import Event, cloud_event
from support.processes import OBZVON, clean_environment, obzvon
from support.topics import Topic, read_all
from support.waiting import until


def event(number: int, **changed: object) -> Event:
    data, time = {"reason": "no_contact"}, "2026-11-24T09:00:00+03:00"
    return cloud_event("failed", f"task-{number % 3}", time, data, id=f"e-{number}", **changed)


def lines(*events: object) -> bytes:
    return "".join(
        one if isinstance(one, str) else json.dumps(one, ensure_ascii=False) + "\n"
        for one in events
    ).encode()


def target(topic: Topic) -> tuple[str, ...]:
    return ("--bootstrap", topic.bootstrap, "--topic", topic.events)


async def test_events_are_sent_in_order_in_structured_mode_and_keyed_by_task(
    topic: Topic, tmp_path: Path
) -> None:
    (tmp_path / "events.jsonl").write_bytes(lines(*map(event, range(200))))
    before = int(time.time() * 1000)
    ended = await obzvon("publish", tmp_path / "events.jsonl", *target(topic))
    assert (ended.code, ended.out) == (0, "published 200 events\n")
    found = await read_all(topic.bootstrap, topic.events)
    assert len(found) == 200
    for record in found:
        assert record.key.decode() == json.loads(record.value)["subject"]
        assert dict(record.headers)["content-type"] == b"application/cloudevents+json"
        assert record.timestamp >= before - 1_000
    for task in range(3):
        ids = [json.loads(r.value)["id"] for r in found if r.key == b"task-%d" % task]
        assert ids == [f"e-{n}" for n in range(200) if n % 3 == task]


async def test_records_can_be_given_the_time_of_their_event(topic: Topic) -> None:
    ended = await obzvon(
        "publish", "-", "--timestamps", "event", *target(topic), stdin=lines(event(1))
    )
    assert ended.code == 0
    (record,) = await read_all(topic.bootstrap, topic.events)
    assert record.timestamp == 1795500000000


async def test_bad_line_is_reported_and_not_sent(topic: Topic, tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(lines(event(1), "\n", "{oops\n", event(2, data={"reason": "tired"}), event(3)))
    ended = await obzvon("publish", path, *target(topic))
    assert (ended.code, ended.out) == (1, "published 2 events, 2 bad lines not sent\n")
    oops, tired = ended.lines
    assert oops.startswith(f"{path}:3: event: Invalid JSON")
    assert tired.startswith(f"{path}:4: data.reason: ")
    assert "tired" in tired
    assert sorted(
        json.loads(r.value)["id"] for r in await read_all(topic.bootstrap, topic.events)
    ) == ["e-1", "e-3"]


async def test_without_validation_every_line_is_sent_as_it_is(topic: Topic) -> None:
    given = lines("{oops\n", event(1, type="nonsense"))
    ended = await obzvon("publish", "-", "--no-validate", *target(topic), stdin=given)
    assert (ended.code, ended.out) == (0, "published 2 events\n")
    found = {record.value: record.key for record in await read_all(topic.bootstrap, topic.events)}
    assert found.pop(b"{oops") is None
    assert list(found.values()) == [b"task-1"]


async def test_lines_from_a_pipe_are_published_as_they_arrive(topic: Topic) -> None:
    publishing = await asyncio.create_subprocess_exec(
        OBZVON,
        *("publish", "-", *target(topic)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=clean_environment(),
    )
    assert publishing.stdin is not None
    publishing.stdin.write(lines(event(1)))

    async def is_there() -> bool:
        return len(await read_all(topic.bootstrap, topic.events)) == 1

    try:
        await until(is_there)  # while the pipe is still open
    finally:
        publishing.stdin.close()
        out, _ = await publishing.communicate()
    assert out == b"published 1 event\n"


async def test_broker_that_dies_is_reported_with_how_many_events_it_accepted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("devkit.publishing.sending.STALLED_S", 1.0)

    async def publish_while_it_dies() -> None:
        async with Publisher(kafka.bootstrap, "events") as publisher:
            await publisher.send(b"taken", "key")
            await publisher.flush()
            assert kafka.child is not None
            kafka.child.kill()
            await publisher.send(b"lost", "key")

    async with EmbeddedKafka(tmp_path) as kafka:
        await create_topics(kafka.bootstrap, "events", "dead", 1)
        with pytest.raises(StackError, match=r"did not take .* 1 were acknowledged: publish"):
            await publish_while_it_dies()


async def test_empty_input_is_not_an_error(topic: Topic) -> None:
    ended = await obzvon("publish", os.devnull, *target(topic))
    assert (ended.code, ended.out) == (0, "published 0 events\n")


async def test_missing_broker_file_or_stack_is_reported_in_one_line(tmp_path: Path) -> None:
    nobody = f"127.0.0.1:{free_port()}"
    ends = await asyncio.gather(
        obzvon("publish", "-", "--bootstrap", nobody),
        obzvon("publish", tmp_path / "nothing", "--bootstrap", nobody),
        obzvon("publish", tmp_path, "--bootstrap", nobody),
        obzvon("publish", "-", "--data-dir", tmp_path),
        obzvon("token", "--data-dir", tmp_path),
        obzvon("verify", "--data-dir", tmp_path),
    )
    said = [
        f"no Kafka answers at {nobody}: start the stack with `obzvon up`",
        "nothing cannot be read: No such file or directory",
        "cannot be read: Is a directory",
        *["no stack is running in"] * 3,
    ]
    for ended, expected in zip(ends, said, strict=True):
        assert ended.code == 1
        assert len(ended.lines) == 1, ended.err
        assert expected in ended.err
