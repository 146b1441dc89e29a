"""Through which moment a shard is complete."""

from hypothesis import given
from hypothesis import strategies as st

from projector.consumer.watermark import KEPT_SAMPLES, Watermark


def test_the_newest_sample_that_is_reached_is_the_freshness() -> None:
    watermark = Watermark()
    for now_ms, end in [(1_000, 10), (2_000, 20), (3_000, 30)]:
        watermark.sample(now_ms, end, at=0)
    assert watermark.reach(9) == {}
    assert watermark.reach(20) == {"as_of": 2_000}
    assert watermark.reach(29) == {"as_of": 2_000}
    assert watermark.reach(30) == {"as_of": 3_000}


def test_freshness_stays_what_was_noted_until_a_later_sample_is_reached() -> None:
    watermark = Watermark(as_of=500)
    watermark.sample(1_000, 10, at=0)
    assert watermark.reach(9) == {"as_of": 500}


def test_a_shard_at_the_same_offset_at_two_samples_is_idle() -> None:
    watermark = Watermark()
    watermark.sample(1_000, 10, at=5)
    assert not watermark.is_idle
    watermark.sample(2_000, 10, at=5)
    assert watermark.is_idle
    watermark.sample(3_000, 10, at=6)
    assert not watermark.is_idle


def test_only_the_newest_samples_are_kept() -> None:
    watermark = Watermark()
    for number in range(KEPT_SAMPLES + 1):
        watermark.sample(number, number, at=0)
    assert watermark.reach(0) == {}
    assert watermark.reach(1) == {"as_of": 1}


@given(st.lists(st.integers(0, 50), min_size=1), st.lists(st.integers(0, 50)))
def test_freshness_never_goes_back(ends: list[int], offsets: list[int]) -> None:
    watermark = Watermark()
    for now_ms, end in enumerate(sorted(ends), 1):
        watermark.sample(now_ms, end, at=0)
    noted = [watermark.reach(offset).get("as_of", 0) for offset in offsets]
    assert noted == sorted(noted)
