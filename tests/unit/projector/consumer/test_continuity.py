"""Whether a partition is still the log that its shard was folded from."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projector.consumer.continuity import (
    Extent,
    RecordMark,
    has_last_record,
    reaches,
    why_another_log,
)
from projector.store.position import Position

AT = Position(offset=100, last_offset=99, last_timestamp=5_000, last_checksum=7)
APPLIED = RecordMark(99, 5_000, 7)


def why(
    *, begin: int = 0, end: int = 200, at: Position = AT, last: RecordMark | None = APPLIED
) -> str | None:
    return why_another_log("task-events", 3, Extent(begin, end), at, last)


def test_the_record_that_was_applied_shows_the_same_log() -> None:
    assert why() is None


def test_a_log_that_ends_before_the_shard_is_another_one() -> None:
    assert why(end=99) == (
        "partition 3 of task-events ends at 99, before the shard's offset 100: "
        "it is another topic, or has lost records. See docs/runbook.md, 'Parked shards'"
    )


def test_records_deleted_before_they_were_applied_are_counted() -> None:
    assert why(begin=103) == (
        "partition 3 of task-events begins at 103, after the shard's offset 100: "
        "3 records were deleted before they were applied. See docs/runbook.md, 'Parked shards'"
    )


@pytest.mark.parametrize(
    "last",
    [None, RecordMark(98, 5_000, 7), RecordMark(99, 5_001, 7), RecordMark(99, 5_000, 8)],
    ids=["none", "another offset", "another timestamp", "another content"],
)
def test_another_record_at_the_last_offset_is_another_log(last: RecordMark | None) -> None:
    assert why(last=last) == (
        "the record at offset 99 of partition 3 of task-events is not the one that was "
        "applied: it is another topic. See docs/runbook.md, 'Parked shards'"
    )


def test_a_shard_that_has_applied_nothing_is_at_the_beginning_of_any_log() -> None:
    assert why(at=Position(0), last=None) is None


def test_a_last_record_that_retention_has_removed_proves_nothing() -> None:
    assert not has_last_record(Extent(100, 200), AT)
    assert why(begin=100, last=None) is None


def test_first_record_of_the_log_may_be_the_last_one_that_was_applied() -> None:
    assert has_last_record(Extent(99, 200), AT)
    assert why(begin=99) is None
    assert why(begin=99, last=None) is not None


EXTENTS = st.tuples(st.integers(0, 20), st.integers(0, 20)).map(lambda two: Extent(*sorted(two)))
POSITIONS = st.tuples(st.integers(0, 20), st.integers(1, 3)).map(
    lambda one: Position(one[0], one[0] - one[1], 5, 7)
)


@given(EXTENTS, POSITIONS)
def test_a_shard_outside_of_the_log_never_goes_on(extent: Extent, at: Position) -> None:
    last = RecordMark(at.last_offset, 5, 7)
    is_same = why_another_log("topic", 0, extent, at, last) is None
    assert is_same == reaches(extent, at.offset)


@given(EXTENTS, POSITIONS)
def test_the_last_record_decides_only_if_the_log_has_it(extent: Extent, at: Position) -> None:
    applied = RecordMark(at.last_offset, 5, 7)
    with_it = why_another_log("topic", 0, extent, at, applied)
    without = why_another_log("topic", 0, extent, at, None)
    assert (with_it != without) == has_last_record(extent, at)
