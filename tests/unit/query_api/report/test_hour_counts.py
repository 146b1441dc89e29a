"""The course of one contact date of one shard: its sums, decoded at the first of them."""

import pytest

from contracts.values import Cell
from query_api.report.hour_counts import EMPTY_COURSE, NO_HOURS, SLOTS, Course, HourCounts
from query_api.report.scope import EVERYTHING, Scope
from support.snapshots import hour_counts


def course(counts: dict[int, int]) -> Course:
    return tuple(counts.get(slot, 0) for slot in range(SLOTS))


def test_courses_are_summed_within_a_scope_and_of_one_operator() -> None:
    counts = hour_counts(
        {
            Cell("op-1", "mgr-1", None): {0: 1, 44: 2},
            Cell("op-1", "mgr-2", None): {44: 3, 103: 1},
            Cell(None, "mgr-1", None): {7: 4},
        }
    )

    assert counts.course(EVERYTHING, None) == course({0: 1, 7: 4, 44: 5, 103: 1})
    assert counts.course(EVERYTHING, "op-1") == course({0: 1, 44: 5, 103: 1})
    assert counts.course(EVERYTHING, "") == course({7: 4})
    assert counts.course(Scope("mgr-1"), "op-1") == course({0: 1, 44: 2})
    assert counts.course(Scope("mgr-2"), None) == course({44: 3, 103: 1})
    assert counts.course(EVERYTHING, None) is counts.course(Scope(), None), "summed once"


def test_a_date_without_hours_has_no_courses() -> None:
    assert NO_HOURS.course(EVERYTHING, None) == EMPTY_COURSE


def test_only_so_many_sums_are_remembered() -> None:
    counts = hour_counts({Cell("op-1", None, None): {0: 1}})
    first = counts.course(EVERYTHING, None)

    for number in range(32):
        counts.course(Scope(f"mgr-{number}"), None)

    again = counts.course(EVERYTHING, None)
    assert again == first
    assert again is not first, "summed again"


def test_a_value_that_lacks_its_field_is_not_taken_for_hours() -> None:
    with pytest.raises(ValueError, match="shorter"):
        HourCounts([b'["op-1",null,null]']).course(EVERYTHING, None)
