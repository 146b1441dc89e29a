"""What there is to choose from."""

from contracts.report import Pickers
from query_api.report.pickers import pickers
from query_api.report.scope import EVERYTHING, Period, Scope
from query_api.report.snapshot import Snapshot
from support.events import DAY, planned
from support.snapshots import snapshot_of

TODAY = Period(DAY, DAY)
LONG_AGO = 0
LATER = 1 << 40


def ids(found: dict[str, list[dict[str, str]]], kind: str) -> list[str]:
    return [ref["id"] for ref in found[kind]]


def test_pickers_are_named_and_sorted_with_nobody_last() -> None:
    snapshot = snapshot_of(
        [
            planned("T1", operator=None, manager=None, plan_date="2026-11-26"),
            planned("T2", operator="op-2", operator_name="яковлева", plan_date="2026-11-25"),
            planned("T3", operator="op-3", operator_name="Абрамова"),
        ]
    )

    found = pickers(snapshot, TODAY, EVERYTHING, LONG_AGO)

    Pickers.model_validate(found)
    assert found == {
        "operators": [
            {"id": "op-3", "name": "Абрамова"},
            {"id": "op-2", "name": "яковлева"},
            {"id": "", "name": "Без оператора"},
        ],
        "managers": [
            {"id": "mgr-1", "name": "Менеджер mgr-1"},
            {"id": "", "name": "Без менеджера"},
        ],
        "plan_dates": ["2026-11-25", "2026-11-26"],
    }


def test_pickers_cover_the_period_and_what_is_carried_into_it() -> None:
    snapshot = snapshot_of(
        [
            planned("T1", operator="today"),
            planned("T2", operator="tomorrow", date="2026-11-25"),
            planned("T3", operator="carried", date="2026-11-23"),
        ]
    )

    assert ids(pickers(snapshot, TODAY, EVERYTHING, LONG_AGO), "operators") == ["today"]
    assert ids(pickers(snapshot, TODAY, EVERYTHING, LATER), "operators") == ["carried", "today"]


def test_a_caller_chooses_among_what_is_shown_to_them() -> None:
    snapshot = snapshot_of([planned("T1", operator="op-1"), planned("T2", operator="op-2")])

    found = pickers(snapshot, TODAY, Scope(operators=frozenset({"op-2"})), LONG_AGO)

    assert ids(found, "operators") == ["op-2"]


def test_a_shard_that_does_not_exist_yet_adds_none() -> None:
    snapshot = snapshot_of([planned("T1")])
    lacking = Snapshot("g1", snapshot.fingerprint, (None, *snapshot.shards))

    found = pickers(lacking, TODAY, EVERYTHING, LONG_AGO)

    assert found == pickers(snapshot, TODAY, EVERYTHING, LONG_AGO)
