"""How fresh the figures are."""

from typing import Any

import pytest

from contracts.keys import Fingerprint
from contracts.meta import Meta
from query_api.report.freshness import complete_since, freshness
from query_api.report.snapshot import Shard, Snapshot

NOW = 1_000_000
STALE_AFTER = 15_000


def shard(**fields: Any) -> Shard:
    values = {"epoch": "1-x", "seq": 1, "offset": 10, "end_offset": 10, "as_of": NOW, **fields}
    meta = Meta.decode({k.encode(): str(v).encode() for k, v in values.items()})
    assert meta is not None
    return Shard(meta, {}, {}, {}, {})


def snapshot(*shards: Shard | None) -> Snapshot:
    fingerprint = Fingerprint(
        fold=1,
        timezone="UTC",
        day_end="24:00",
        retention_days=1,
        topic="t",
        partitions=len(shards),
    )
    return Snapshot("g1", fingerprint, shards)


def test_freshness_is_that_of_the_least_fresh_shard() -> None:
    found = freshness(snapshot(shard(as_of=NOW - 3), shard(as_of=NOW - 9)), NOW, STALE_AFTER)

    assert (found.as_of, found.stale) == (NOW - 9, False)


def test_the_lag_is_what_all_shards_have_yet_to_apply() -> None:
    found = freshness(snapshot(shard(end_offset=14), shard(end_offset=11)), NOW, STALE_AFTER)

    assert found.lag_events == 5


def test_a_shard_ahead_of_its_last_sample_makes_up_for_no_other() -> None:
    found = freshness(snapshot(shard(offset=20), shard(end_offset=12)), NOW, STALE_AFTER)

    assert found.lag_events == 2


@pytest.mark.parametrize(("age", "stale"), [(15_000, False), (15_001, True)])
def test_report_is_stale_once_it_is_older_than_the_setting(age: int, stale: bool) -> None:
    found = freshness(snapshot(shard(as_of=NOW - age)), NOW, STALE_AFTER)

    assert found.stale is stale
    assert (found.lag_events is None) is stale
    assert found.as_of == NOW - age, "as_of is told also while stale"


@pytest.mark.parametrize(
    ("shards", "reason"),
    [
        ((shard(), None), "shard 1 is missing"),
        ((shard(), shard(as_of="")), "shard 1 has not caught up yet"),
    ],
)
def test_freshness_is_unknown_while_that_of_any_shard_is(shards: Any, reason: str) -> None:
    found = freshness(snapshot(*shards), NOW, STALE_AFTER)

    assert (found.as_of, found.stale, found.lag_events) == (None, True, None)
    assert found.why_stale == reason


def test_parked_shard_makes_the_report_stale_with_a_reason() -> None:
    found = freshness(snapshot(shard(), shard(parked="the log was cut")), NOW, STALE_AFTER)

    assert found.stale
    assert found.why_stale == "shard 1 is parked: the log was cut"


def test_shards_that_cannot_be_read_are_stale_at_once() -> None:
    found = freshness(snapshot(shard()), NOW, STALE_AFTER, unreachable="Redis is away")

    assert (found.as_of, found.stale, found.lag_events) == (NOW, True, None)


def test_figures_are_complete_since_the_latest_of_the_shards_beginnings() -> None:
    early, late = "2026-11-01T02:00:00+03:00", "2026-11-01T00:00:00+00:00"

    assert complete_since(snapshot(shard(complete_since=early), shard(complete_since=late))) == late
    assert complete_since(snapshot(shard(), shard())) is None
