"""Rate limits on a clock that the test sets."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from query_api.auth import rates
from query_api.auth.rates import Rate
from query_api.auth.refusals import Refusal

WINDOW_S = 60
LIMIT = 10


class Clock:
    def __init__(self, now: float = 1_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def retry_after(rate: Rate, key: str = "a") -> int:
    """0 if a request passes, else the seconds after which one is told to come back."""
    try:
        rate.hit(key)
    except Refusal as refusal:
        return int((refusal.headers or {})["Retry-After"])
    return 0


pauses = st.lists(st.floats(0, 30, allow_nan=False), min_size=1, max_size=80)


@given(pauses, st.floats(0, 120))
def test_no_window_of_the_clock_lets_more_than_the_limit_through(
    waits: list[float], start: float
) -> None:
    clock = Clock(1_000_000 + start)
    rate = Rate(f"{LIMIT}/minute", clock=clock)
    passed: dict[int, int] = {}
    for wait in waits:
        clock.now += wait
        if retry_after(rate) == 0:
            window = int(clock.now / WINDOW_S)
            passed[window] = passed.get(window, 0) + 1
    assert max(passed.values()) <= LIMIT


@given(pauses, st.floats(0, 120))
def test_caller_who_waits_the_given_time_gets_through(waits: list[float], start: float) -> None:
    clock = Clock(1_000_000 + start)
    rate = Rate(f"{LIMIT}/minute", clock=clock)
    for wait in waits:
        clock.now += wait / 10
        told = retry_after(rate)
        if told:
            assert told <= 2 * WINDOW_S
            clock.now += told
            assert retry_after(rate) == 0


@given(st.integers(1, 50))
def test_a_burst_from_rest_passes_up_to_the_limit(count: int) -> None:
    rate = Rate(f"{LIMIT}/minute", clock=Clock())
    assert sum(retry_after(rate) == 0 for _ in range(count)) == min(count, LIMIT)


def test_a_full_window_weighs_on_the_next_one() -> None:
    clock = Clock(WINDOW_S * 1_000)
    rate = Rate(f"{LIMIT}/minute", clock=clock)
    for _ in range(LIMIT):
        rate.hit("a")
    clock.now += WINDOW_S * 1.5
    assert sum(retry_after(rate) == 0 for _ in range(LIMIT)) == LIMIT // 2


def test_callers_do_not_share_a_limit() -> None:
    rate = Rate("1/minute", clock=Clock())
    assert retry_after(rate, "a") == 0
    assert retry_after(rate, "b") == 0
    assert retry_after(rate, "a") > 0


def test_checking_counts_nothing() -> None:
    rate = Rate("2/minute", clock=Clock())
    for _ in range(5):
        rate.check("a")
    rate.hit("a")
    rate.hit("a")
    with pytest.raises(Refusal) as refused:
        rate.check("a")
    assert refused.value.status_code == 429


def test_value_none_means_no_limit() -> None:
    rate = Rate("none", clock=Clock())
    assert [retry_after(rate) for _ in range(1_000)] == [0] * 1_000


def test_counters_of_inactive_callers_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_CALLERS", 100)
    clock = Clock()
    counters = rates.Counters(clock)
    for number in range(1_000):
        assert counters.acquire_sliding_window_entry(f"k{number}", 5, 60)
        clock.now += 1
        assert len(counters._counts) <= 100


def test_a_crowd_in_one_window_cannot_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rates, "MAX_CALLERS", 100)
    counters = rates.Counters(Clock())
    for number in range(1_000):
        assert counters.acquire_sliding_window_entry(f"k{number}", 5, 60)
    assert len(counters._counts) <= 100
