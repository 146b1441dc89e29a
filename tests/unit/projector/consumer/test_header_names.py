"""A header's name may be any bytes: a record that has one is read like every other."""

from typing import Any

from aiokafka import TopicPartition
from aiokafka.consumer import fetcher
from aiokafka.record.default_records import _DefaultRecordBatchBuilderPy

from projector.consumer.headers import read_any_header_name

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


def test_a_record_with_a_name_that_is_no_text_is_read_with_all_around_it() -> None:
    read_any_header_name()
    read_any_header_name()
    found = read(records([], [(_RawName(), b"x"), ("good", b"y")], [("a", b"z")]))
    assert [record.value for record in found] == [b"value 0", b"value 1", b"value 2"]
    assert found[1].headers == (("\\xff\\xfe name", b"x"), ("good", b"y"))
    assert found[2].headers == (("a", b"z"),)


def test_records_of_several_batches_are_each_read_once() -> None:
    read_any_header_name()
    first = records([], [])
    second = records([], [(_RawName(), b"x")], [])
    moved = (2).to_bytes(8, "big") + second[8:]
    found = read(first + moved)
    assert [record.offset for record in found] == [0, 1, 2, 3, 4]
