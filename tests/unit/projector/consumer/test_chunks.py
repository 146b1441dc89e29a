"""Records are cut into runs that one script can take."""

from aiokafka import ConsumerRecord
from hypothesis import given
from hypothesis import strategies as st

from projector.consumer import pipeline
from projector.consumer.pipeline import CHUNK_BYTES, CHUNK_RECORDS, chunks


def record(offset: int, size: int = 1) -> ConsumerRecord:
    value = bytes(size) if size else None
    return ConsumerRecord("t", 0, offset, 0, 0, b"key", value, None, 0, 0, ())


def test_a_chunk_has_so_many_records_at_most() -> None:
    records = [record(offset) for offset in range(CHUNK_RECORDS + 1)]
    assert [len(chunk) for chunk in chunks(records)] == [CHUNK_RECORDS, 1]


def test_a_chunk_ends_with_the_record_that_fills_it() -> None:
    records = [record(offset, CHUNK_BYTES // 2) for offset in range(5)]
    assert [len(chunk) for chunk in chunks(records)] == [2, 2, 1]


@given(st.lists(st.integers(0, 10), min_size=1))
def test_chunks_are_the_records_in_their_order(sizes: list[int]) -> None:
    records = [record(offset, size) for offset, size in enumerate(sizes)]
    most = pipeline.CHUNK_RECORDS
    assert [one for chunk in chunks(records) for one in chunk] == records
    assert all(0 < len(chunk) <= most for chunk in chunks(records))
