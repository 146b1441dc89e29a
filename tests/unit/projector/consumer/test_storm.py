"""When dead letters are a storm."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from projector.consumer.storm import LEAST, WINDOW, Window, is_over, storm


def window(*runs: tuple[int, str | None]) -> Window:
    made = Window()
    for count, reason in runs:
        made.take(count, dict.fromkeys(range(count), reason) if reason else {})
    return made


def test_few_bad_records_at_the_beginning_are_not_a_storm() -> None:
    assert not window((LEAST - 1, "not_json")).is_storm()
    assert window((LEAST, "not_json")).is_storm()


def test_half_of_the_records_may_be_bad() -> None:
    assert not window((5_000, None), (5_000, "not_json")).is_storm()
    assert window((4_999, None), (5_001, "not_json")).is_storm()


def test_only_the_last_records_count() -> None:
    assert not window((3_000, "invalid"), (WINDOW, None)).is_storm()
    assert window((50_000, None), (WINDOW // 2 + 1, "invalid")).is_storm()


def test_restart_keeps_the_share_of_bad_records() -> None:
    before = window((6_000, None), (3_000, "not_json"), (1_000, "invalid"))
    after = Window.of_recent(str(before.notes()["recent"]))
    assert (after.seen, after.dead()) == (10_000, {"not_json": 3_000, "invalid": 1_000})
    assert not after.notes()
    after.take(2_000, dict.fromkeys(range(2_000), "invalid"))
    assert after.is_storm()


@given(
    st.lists(
        st.tuples(
            st.integers(0, 2_500),
            st.sampled_from([None, None, "invalid", "not_json"]),
            st.booleans(),  # another process continues from what is written
        ),
        max_size=20,
    )
)
def test_restarts_change_nothing(runs: list[tuple[int, str | None, bool]]) -> None:
    kept = window()
    restarted = window()
    written: str | None = None
    for count, reason, restarts in runs:
        dead = dict.fromkeys(range(0, count, 3), reason) if reason else {}
        for one in (kept, restarted):
            one.take(count, dead)
        written = str(restarted.notes().get("recent", written))
        if restarts:
            restarted = Window.of_recent(written)
        assert (restarted.seen, restarted.dead()) == (kept.seen, kept.dead())
        assert restarted.is_storm() == kept.is_storm()


def test_a_healthy_full_window_is_written_only_once() -> None:
    healthy = window((WINDOW, None))
    assert healthy.notes()
    healthy.take(500, {})
    assert not healthy.notes()


def test_storm_message_contains_what_an_operator_needs() -> None:
    said = storm("events", 3, 70, 99, window((400, None), (600, "not_json"))).message
    for part in ("partition 3", "offset 70", "60 %", "'not_json'", "--accept-through 99"):
        assert part in said


@pytest.mark.parametrize(
    ("bad", "good", "over"), [(0, 99, False), (50, 50, True), (51, 49, False), (0, 100, True)]
)
def test_fixed_publisher_is_recognized_by_the_newest_records(
    bad: int, good: int, over: bool
) -> None:
    assert is_over([True] * bad + [False] * good) is over
