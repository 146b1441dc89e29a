"""Which generation a projector applies records to: the decision, and the laws that it keeps."""

from dataclasses import replace
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.keys import Fingerprint, LivePointer
from contracts.meta import Meta
from projector.fold.version import FOLD_VERSION
from projector.generation_policy import (
    CAUGHT_UP_MS,
    Build,
    Park,
    Situation,
    TakeOver,
    decide,
    differences,
    fingerprint_of,
    has_caught_up,
    is_same_log,
)
from projector.settings import Settings

NOW_MS = 1_800_000_000_000.0


def fingerprint(**changed: str | int) -> Fingerprint:
    values: dict[str, str | int] = {
        "fold": 1,
        "timezone": "Europe/Moscow",
        "day_end": "24:00",
        "retention_days": 92,
        "topic": "task-events",
        "partitions": 12,
    }
    return Fingerprint.model_validate(values | changed)


def situation(
    *,
    live: Fingerprint,
    mine: Fingerprint | None = None,
    was_live: Fingerprint | None = None,
    predecessor: Fingerprint | None = None,
    on_foreign: Literal["park", "rebuild"] = "rebuild",
) -> Situation:
    pointer = LivePointer(generation="g1", fingerprint=live)
    return Situation(pointer, mine or fingerprint(), was_live, predecessor, on_foreign)


def meta(*, as_of: int | None = int(NOW_MS), parked: str = "") -> Meta:
    found = Meta.decode({b"epoch": b"1-a", b"seq": b"1", b"status": b"building"})
    assert found is not None
    return found._replace(as_of=as_of, parked=parked or None)


FINGERPRINTS = st.builds(
    fingerprint,
    fold=st.integers(1, 2),
    day_end=st.sampled_from(["24:00", "18:00"]),
    partitions=st.integers(1, 2),
)
SITUATIONS = st.builds(
    situation,
    live=FINGERPRINTS,
    mine=FINGERPRINTS,
    was_live=st.none() | FINGERPRINTS,
    predecessor=st.none() | FINGERPRINTS,
    on_foreign=st.sampled_from(["park", "rebuild"]),
)


def test_a_generation_computed_alike_is_taken_over() -> None:
    assert decide(situation(live=fingerprint(), on_foreign="park")) == TakeOver()


def test_a_foreign_generation_parks_the_projector_unless_it_may_rebuild() -> None:
    decision = decide(situation(live=fingerprint(day_end="18:00"), on_foreign="park"))
    assert decision == Park(
        "generation g1, which is live, was computed otherwise: day_end '24:00' here, "
        "'18:00' there. Restore the settings, or run `python -m projector rebuild` with these, "
        "or set OBZVON_ON_FOREIGN=rebuild"
    )


def test_a_foreign_generation_is_rebuilt_if_the_setting_says_so() -> None:
    assert decide(situation(live=fingerprint(day_end="18:00"))) == Build()


def test_a_newer_fold_is_built_alongside_an_older_one() -> None:
    assert decide(situation(live=fingerprint(fold=1), mine=fingerprint(fold=2))) == Build()


@pytest.mark.parametrize(
    "replaced",
    [
        situation(live=fingerprint(fold=2)),
        situation(live=fingerprint(timezone="UTC"), was_live=fingerprint()),
        situation(live=fingerprint(timezone="UTC"), predecessor=fingerprint()),
    ],
    ids=["the live fold is newer", "this process was live", "the one before was like this one"],
)
def test_replaced_projector_does_not_build_again(replaced: Situation) -> None:
    decision = decide(replaced)
    assert isinstance(decision, Park)
    assert decision.reason.endswith(
        ", and took over from this one's. Restore the settings, or run "
        "`python -m projector rebuild` with these if you want to go back"
    )


@given(SITUATIONS)
def test_only_a_generation_computed_alike_is_taken_over(seen: Situation) -> None:
    assert (decide(seen) == TakeOver()) == (seen.live.fingerprint == seen.mine)


@given(SITUATIONS)
def test_projector_set_to_park_never_builds(seen: Situation) -> None:
    assert decide(replace(seen, on_foreign="park")) != Build()


@given(FINGERPRINTS, FINGERPRINTS)
def test_two_projectors_never_replace_each_other_in_turns(
    one: Fingerprint, other: Fingerprint
) -> None:
    """What was built is live, with a note of whom it replaced: that one does not build again."""
    if decide(situation(live=one, mine=other)) == Build():
        assert decide(situation(live=other, mine=one, predecessor=one)) != Build()
        assert decide(situation(live=other, mine=one, was_live=one)) != Build()


def test_every_field_that_differs_is_named() -> None:
    mine, theirs = fingerprint(), fingerprint(fold=2, topic="other")
    assert differences(mine, theirs) == (
        "fold 1 here, 2 there, topic 'task-events' here, 'other' there"
    )


def test_a_generation_whose_shards_are_all_fresh_has_caught_up() -> None:
    assert has_caught_up([meta(), meta(as_of=int(NOW_MS) - CAUGHT_UP_MS + 1)], NOW_MS)


@pytest.mark.parametrize(
    "shard",
    [None, meta(as_of=None), meta(as_of=int(NOW_MS) - CAUGHT_UP_MS), meta(parked="a storm")],
    ids=["missing", "never fresh", "too old", "parked"],
)
def test_one_shard_keeps_its_generation_from_having_caught_up(shard: Meta | None) -> None:
    assert not has_caught_up([meta(), shard], NOW_MS)


@given(FINGERPRINTS, FINGERPRINTS)
def test_the_same_log_is_the_same_topic_with_as_many_partitions(
    one: Fingerprint, other: Fingerprint
) -> None:
    assert is_same_log(one, other) == (one.partitions == other.partitions)
    assert not is_same_log(one, one.model_copy(update={"topic": "other"}))


def test_a_projector_computes_with_its_settings_and_its_fold() -> None:
    settings = Settings(
        kafka_bootstrap_servers="kafka.test:9092",
        redis_url="redis://redis.test",
        timezone="Asia/Omsk",
        day_end="20:00",
        retention_days=31,
        events_topic="events",
    )
    assert fingerprint_of(settings, partitions=3) == Fingerprint(
        fold=FOLD_VERSION,
        timezone="Asia/Omsk",
        day_end="20:00",
        retention_days=31,
        topic="events",
        partitions=3,
    )
