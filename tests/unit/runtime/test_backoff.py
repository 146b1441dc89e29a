"""Pauses between attempts."""

from itertools import islice

from runtime.backoff import exponential


def test_pauses_double_up_to_the_longest_each_off_by_a_quarter_at_most() -> None:
    middles = [0.1, 0.2, 0.4, 0.8, 1.6, 2.0, 2.0]
    pauses = list(islice(exponential(longest_s=2.0), len(middles)))
    for pause, middle in zip(pauses, middles, strict=True):
        assert 0.75 * middle <= pause <= 1.25 * middle


def test_two_waiters_do_not_pause_in_step() -> None:
    assert list(islice(exponential(), 5)) != list(islice(exponential(), 5))
