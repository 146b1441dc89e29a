"""Snapshots of the shards: what they share with those before, and what reports rest on."""

from collections.abc import Mapping
from typing import Any

import pytest

from contracts.keys import Fingerprint
from contracts.meta import Meta
from contracts.values import Cell, NameEntry, OpenKey
from query_api.report.scope import EVERYTHING, Period, Scope
from query_api.report.snapshot import (
    CellCounts,
    Counters,
    OpenContacts,
    Shard,
    Snapshot,
)
from support.events import DAY

TODAY = Period(DAY, DAY)
TOMORROW = "2026-11-25"
LONG_AGO = "2026-11-01"

ONE: Counters = (1, *(0,) * 10)
TWO: Counters = (2, *(0,) * 10)


def meta(**fields: Any) -> Meta:
    values = {"epoch": "1-x", "seq": 1, "offset": 10, "end_offset": 10, "as_of": 1_000, **fields}
    found = Meta.decode({k.encode(): str(v).encode() for k, v in values.items()})
    assert found is not None
    return found


def shard(
    seqs: Mapping[str, int] | None = None,
    *,
    operators: Mapping[str, str] | None = None,
    held: tuple[str, ...] = (),
    before: Shard | None = None,
    **fields: Any,
) -> Shard:
    """A shard with these dates; cells are `held` of some of them."""
    seqs = seqs or {}
    names = {
        id_: NameEntry(1, "", 0, "/tests", "e1", name) for id_, name in (operators or {}).items()
    }
    return Shard(
        meta(**fields),
        seqs,
        {day: CellCounts({}) for day in held},
        {day: OpenContacts({}) for day in seqs},
        {"operator": names} if names else {},
        before,
    )


def snapshot(
    *shards: Shard | None,
    before: Snapshot | None = None,
    generation: str = "g1",
    partitions: int | None = None,
) -> Snapshot:
    fingerprint = Fingerprint(
        fold=1,
        timezone="UTC",
        day_end="24:00",
        retention_days=1,
        topic="t",
        partitions=partitions or len(shards),
    )
    return Snapshot(generation, fingerprint, shards, before)


# --- sums and what is remembered of them ----------------------------------------------------------


def test_cells_are_summed_by_operator_within_a_scope() -> None:
    counts = CellCounts(
        {
            Cell("op-1", "mgr-1", None): ONE,
            Cell("op-1", "mgr-2", None): TWO,
            Cell(None, "mgr-1", None): ONE,
        }
    )

    assert counts.by_operator(EVERYTHING) == {"op-1": (3, *(0,) * 10), "": ONE}
    assert counts.by_operator(Scope("mgr-1")) == {"op-1": ONE, "": ONE}
    assert counts.by_operator(EVERYTHING) is counts.by_operator(Scope()), "summed once"


def test_only_so_many_sums_are_remembered() -> None:
    counts = CellCounts({Cell("op-1", "mgr-1", None): ONE})
    opens = OpenContacts({OpenKey("op-1", "mgr-1", None, 10, "planned"): 1})
    held = Shard(meta(), {DAY: 1}, {DAY: counts}, {DAY: opens}, {})
    first = counts.by_operator(EVERYTHING)
    first_split, first_carried = opens.split(EVERYTHING, 5), held.carried(EVERYTHING, TOMORROW, 5)

    for number in range(32):
        others = Scope(f"mgr-{number}")
        counts.by_operator(others)
        opens.split(others, 5)
        held.carried(others, TOMORROW, 5)

    again = counts.by_operator(EVERYTHING)
    assert again == first
    assert again is not first, "summed again"
    assert opens.split(EVERYTHING, 5) is not first_split
    assert held.carried(EVERYTHING, TOMORROW, 5) is not first_carried


def test_open_contacts_are_split_at_their_deadlines() -> None:
    opens = OpenContacts(
        {
            OpenKey("op-1", None, None, 10, "planned"): 1,
            OpenKey("op-1", None, None, 20, "postponed"): 2,
            OpenKey(None, None, None, 20, "dropped"): 3,
            OpenKey("op-2", "mgr-1", None, 30, "planned"): 4,
        }
    )

    found = opens.split(EVERYTHING, 20)

    assert found.overdue == {"op-1": (1, 2, 0), "": (0, 0, 3)}
    assert found.active == {"op-2": (4, 0, 0)}
    assert (found.since, found.until) == (20, 30)
    assert opens.split(EVERYTHING, 29) is found, "it holds until the next deadline"
    assert opens.split(EVERYTHING, 30).active == {}
    assert opens.split(Scope("mgr-1"), 20).overdue == {}


def test_a_shard_read_again_keeps_the_sums_of_dates_that_did_not_move() -> None:
    opens = OpenContacts({OpenKey("op-1", None, None, 10, "planned"): 1})
    before = Shard(meta(), {LONG_AGO: 1}, {}, {LONG_AGO: opens}, {})
    carried = before.carried(EVERYTHING, DAY, 20)

    same = Shard(meta(seq=2), {LONG_AGO: 1}, {}, {LONG_AGO: opens}, {}, before)
    moved = Shard(meta(seq=2), {LONG_AGO: 2}, {}, {LONG_AGO: OpenContacts({})}, {}, before)

    assert carried.overdue == {"op-1": (1, 0, 0)}
    assert same.carried(EVERYTHING, DAY, 20) is carried
    assert moved.carried(EVERYTHING, DAY, 20).overdue == {}


# --- names ----------------------------------------------------------------------------------------


def test_the_latest_name_counts_whichever_shard_has_it() -> None:
    def named(seconds: int, text: str) -> Shard:
        entry = NameEntry(seconds, "", 0, "/tests", "e1", text)
        return Shard(meta(), {}, {}, {}, {"operator": {"op-1": entry}})

    assert snapshot(named(1, "Old"), named(2, "New")).operators == {"op-1": "New"}
    assert snapshot(named(2, "New"), None, named(1, "Old")).operators == {"op-1": "New"}


def test_names_are_kept_while_they_stay_and_get_a_version_when_they_change() -> None:
    first = snapshot(shard(operators={"op-1": "Анна"}))
    same = snapshot(shard(operators={"op-1": "Анна"}), before=first)
    changed = snapshot(shard(operators={"op-1": "Анна Б."}), before=same)
    read_again = snapshot(shard(operators={"op-1": "Анна Б."}), None, before=changed)

    assert same.operators is first.operators
    assert [one.names_version for one in (first, same, changed, read_again)] == [1, 1, 2, 2]


# --- what is held ---------------------------------------------------------------------------------


def test_dates_are_those_of_any_shard_in_order() -> None:
    assert snapshot(shard({DAY: 1}), None, shard({LONG_AGO: 1})).dates == [LONG_AGO, DAY]


def test_date_is_missing_if_a_shard_has_it_and_its_cells_were_not_read() -> None:
    found = snapshot(shard({DAY: 1, LONG_AGO: 1}, held=(DAY,)), None)

    assert not found.lacks([DAY, TOMORROW])
    assert found.lacks([TOMORROW, LONG_AGO])


def test_snapshot_knows_its_generation_and_partitions() -> None:
    found = snapshot(shard(), shard())

    assert found.is_of("g1", 2)
    assert not found.is_of("g1", 3)
    assert not found.is_of("g2", 2)


# --- going ahead ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("moments", "as_of"), [((5, 3), 3), ((5, ""), None), ((), None)], ids=str)
def test_the_moment_is_that_of_the_least_fresh_shard(moments: Any, as_of: int | None) -> None:
    assert snapshot(*(shard(as_of=moment) for moment in moments)).as_of == as_of


def test_a_shard_that_is_missing_makes_the_moment_unknown() -> None:
    assert snapshot(shard(), None).as_of is None


@pytest.mark.parametrize(
    ("mine", "theirs", "is_ahead"),
    [
        (shard(as_of=2), shard(as_of=1), True),
        (shard(as_of=2), shard(as_of=""), True),
        (shard(as_of=1), shard(as_of=2), False),
        (shard(as_of=1, offset=5), shard(as_of=2, offset=4), True),
        (shard(as_of=1, offset=5), shard(as_of=2, offset=5), False),
        (shard(as_of="", offset=5), None, True),
        (None, shard(offset=5), False),
    ],
)
def test_a_generation_is_ahead_if_it_is_fresher_or_has_applied_more(
    mine: Shard | None, theirs: Shard | None, is_ahead: bool
) -> None:
    assert snapshot(mine).is_ahead_of(snapshot(theirs, generation="g2")) is is_ahead


def test_offsets_of_other_partitions_are_not_compared() -> None:
    mine = snapshot(shard(as_of=1, offset=5))
    theirs = snapshot(shard(as_of=2, offset=1), shard(as_of=2, offset=1), generation="g2")

    assert not mine.is_ahead_of(theirs)


# --- versions -------------------------------------------------------------------------------------


def test_a_report_has_a_new_version_when_anything_up_to_its_end_moves() -> None:
    before = snapshot(shard({LONG_AGO: 1, DAY: 2, "names": 3}), None)
    version = before.version(TODAY)

    assert version is before.version(Period(LONG_AGO, DAY)), "both rest on the same dates"
    assert snapshot(shard({LONG_AGO: 1, DAY: 2, TOMORROW: 9}), None).version(TODAY) == version
    assert snapshot(shard({LONG_AGO: 4, DAY: 2}), None).version(TODAY) != version
    assert snapshot(shard({DAY: 2}), None).version(TODAY) != version, "a date was forgotten"
    assert snapshot(shard({LONG_AGO: 1, DAY: 2}), shard()).version(TODAY) != version
    assert snapshot(shard({LONG_AGO: 1, DAY: 2}, epoch="2-y"), None).version(TODAY) != version
    assert snapshot(shard({LONG_AGO: 1, DAY: 2}), None, generation="g2").version(TODAY) != version


def test_a_new_snapshot_shows_no_refreshes_until_it_is_given_some() -> None:
    assert snapshot(shard()).refreshes == ()
