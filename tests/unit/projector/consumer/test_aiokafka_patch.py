"""What is changed in aiokafka, and that an aiokafka it was not read against is refused.

A header's name may be any bytes: a record that has one is read like every other.
"""

from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from projector.consumer import aiokafka_patch
from projector.consumer.aiokafka_patch import UnknownAiokafka, install, is_coordinated

BAD = b"\xff\xfe name"


class _RawName(str):
    """A header's name that is sent as these bytes."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return BAD


def records(*headers: list[tuple[str, bytes]]) -> bytes:
    builder = _DefaultRecordBatchBuilderPy(2, 0, 0, -1, -1, 0, 1 << 20)
    for offset, one in enumerate(headers):
        builder.append(offset, 1_000, b"key", b"value %d" % offset, one)
    return bytes(builder.build())


def read(data: bytes, isolation_level: int = fetcher.READ_COMMITTED) -> list[Any]:
    found = fetcher.PartitionRecords(
        TopicPartition("topic", 0),
        fetcher.MemoryRecords(data),
        [],
        0,
        None,
        None,
        True,
        isolation_level,
    )
    return list(found)


def test_record_with_a_header_name_that_is_not_text_is_read_like_the_others() -> None:
    install()
    install()
    found = read(records([], [(_RawName(), b"x"), ("good", b"y")], [("a", b"z")]))
    assert [record.value for record in found] == [b"value 0", b"value 1", b"value 2"]
    assert found[1].headers == (("\\xff\\xfe name", b"x"), ("good", b"y"))
    assert found[2].headers == (("a", b"z"),)


def test_records_of_several_batches_are_each_read_once() -> None:
    install()
    first = records([], [])
    second = records([], [(_RawName(), b"x")], [])
    moved = (2).to_bytes(8, "big") + second[8:]
    found = read(first + moved)
    assert [record.offset for record in found] == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("other", ["0.13.9", "0.15.0", "0.140.0", "1.0.0"])
def test_an_aiokafka_it_was_not_read_against_is_refused(
    other: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiokafka_patch, "version", lambda _: other)
    with pytest.raises(UnknownAiokafka, match=rf"aiokafka {other} is installed.* 0\.14 only"):
        install()


@pytest.mark.parametrize("known", ["0.14", "0.14.0", "0.14.7"])
def test_an_aiokafka_it_was_read_against_is_patched(
    known: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aiokafka_patch, "version", lambda _: known)
    install()
    assert fetcher.PartitionRecords is aiokafka_patch.PatchedPartitionRecords


def consumer_whose_coordination(*, has_ended: bool) -> Any:
    task = SimpleNamespace(done=lambda: has_ended)
    return SimpleNamespace(_coordinator=SimpleNamespace(_coordination_task=task))


def test_a_consumer_takes_part_in_its_group_until_its_coordination_ends() -> None:
    assert is_coordinated(consumer_whose_coordination(has_ended=False))
    assert not is_coordinated(consumer_whose_coordination(has_ended=True))


def test_a_consumer_that_has_not_started_or_has_stopped_is_not_out_of_its_group() -> None:
    assert is_coordinated(None)
    assert is_coordinated(SimpleNamespace(_coordinator=None))


@pytest.mark.parametrize(
    ("consumer", "missing"),
    [
        (SimpleNamespace(), "_coordinator"),
        (SimpleNamespace(_coordinator=SimpleNamespace()), "_coordination_task"),
    ],
    ids=["the consumer's", "the coordinator's"],
)
def test_an_attribute_that_aiokafka_has_renamed_is_an_error(consumer: Any, missing: str) -> None:
    with pytest.raises(UnknownAiokafka, match=rf"has no SimpleNamespace\.{missing}"):
        is_coordinated(consumer)


async def test_the_attributes_are_those_of_the_installed_aiokafka() -> None:
    consumer = AIOKafkaConsumer(bootstrap_servers="nowhere:1", group_id="group")
    assert is_coordinated(consumer)
