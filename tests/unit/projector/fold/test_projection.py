"""What the owner of a shard holds in memory: bounded, and forgetful of what is retired."""

import pytest

from contracts.keys import NAMES_SEQ
from contracts.values import Cell, OpenKey
from projector.fold import projection
from projector.fold.calendar import Calendar
from projector.fold.needs import Answers
from support.events import called, delivered, failed, planned, postponed
from support.memory_shard import KEYS, MemoryShard

MOSCOW = Calendar.of("Europe/Moscow", "24:00")

LESSER = {"id": "c-0", "name": "Клиент"}
"""A client whose content is bytewise less than that of the builders' clients."""


def families(shard: MemoryShard, date: str) -> set[str]:
    """The kinds of keys that the shard has of a date."""
    return {key.split(":")[2] for key in shard.hashes if date in key}


def test_contacts_before_the_horizon_are_neither_counted_nor_listed() -> None:
    shard = MemoryShard(MOSCOW, horizon="2026-11-24")
    shard.apply([planned("T1", date="2026-11-23"), called("T1")])
    assert families(shard, "2026-11-23") == set()
    assert KEYS.docs in shard.hashes


def test_contact_that_moves_across_the_horizon_leaves_or_joins_the_counts() -> None:
    shard = MemoryShard(MOSCOW, horizon="2026-11-24")
    shard.apply([planned("T1", date="2026-11-24", at="08:00")])
    assert families(shard, "2026-11-24") == {"cells", "open", "rows"}
    shard.apply([planned("T1", date="2026-11-23", at="09:00")])
    assert families(shard, "2026-11-24") == set()
    shard.apply([planned("T1", date="2026-11-25", at="10:00")])
    assert families(shard, "2026-11-23") == set()
    assert families(shard, "2026-11-25") == {"cells", "open", "rows"}


def test_advancing_the_horizon_drops_every_key_of_the_dates_before_it() -> None:
    shard = MemoryShard(MOSCOW)
    shard.apply(
        [
            planned("T1", date="2026-11-23"),
            called("T1", operator="op-2"),
            planned("T2", date="2026-11-24", operator=None),
        ]
    )
    held = {key for key in shard.hashes if "2026-11-23" in key}
    change = shard.projection.advance("2026-11-24", ["2026-11-23", "2026-11-24"])
    assert set(change.drops) == held
    assert change.gone == ["2026-11-23"]
    assert (change.sets, change.deletes, change.moved) == ({}, {}, set())
    assert shard.projection.horizon == "2026-11-24"
    assert shard.projection.unknown_dates(["2026-11-23", "2026-11-24"]) == ["2026-11-23"]


def test_task_that_had_no_room_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("projector.fold.task.MAX_TASK_EVENTS", 2)
    shard = MemoryShard(MOSCOW)
    shard.apply([planned("T1"), called("T1")])
    before = shard.hashes.copy()
    shard.apply([failed("T1", "refused")])
    assert shard.hashes == before


def test_identity_that_is_known_already_changes_nothing() -> None:
    shard = MemoryShard(MOSCOW)
    events = [planned("T1"), called("T1", "ordered"), delivered("T1", "o-1")]
    shard.apply(events)
    change = shard.apply(events)
    assert (change.sets, change.deletes, change.moved) == ({}, {}, set())


def test_only_names_that_the_report_shows_move_the_seq_of_names() -> None:
    shard = MemoryShard(MOSCOW)
    assert NAMES_SEQ in shard.apply([planned("T1", at="08:00")]).moved
    again = shard.apply([planned("T1", at="09:00", client_name="Новое имя")])
    assert NAMES_SEQ not in again.moved
    assert "c-1" in again.sets[KEYS.names("client")]
    renamed = shard.apply([planned("T1", at="10:00", operator_name="Новое имя")])
    assert NAMES_SEQ in renamed.moved


def test_name_of_an_earlier_event_does_not_replace_a_later_one() -> None:
    shard = MemoryShard(MOSCOW)
    shard.apply([planned("T1", at="10:00", operator_name="Поздняя")])
    change = shard.apply([planned("T2", at="09:00", operator_name="Ранняя")])
    assert KEYS.names("operator") not in change.sets


def test_delivery_known_only_from_replaced_content_is_forgotten_or_found_elsewhere() -> None:
    shard = MemoryShard(MOSCOW)
    greater = planned("T1", last_delivery_date="2026-11-22")
    lesser = {**greater, "data": {**greater["data"], "last_delivery_date": None, "client": LESSER}}
    shard.apply([greater])
    assert shard.hashes[KEYS.deliveries] == {"a-1": b"2026-11-22"}
    change = shard.apply([lesser])
    assert change.deletes[KEYS.deliveries] == ["a-1"]
    assert KEYS.deliveries not in shard.hashes

    shard = MemoryShard(MOSCOW)
    shard.apply([greater, planned("T2", last_delivery_date="2026-11-20")])
    shard.apply([lesser])
    assert shard.hashes[KEYS.deliveries] == {"a-1": b"2026-11-20"}


def test_name_known_only_from_replaced_content_is_forgotten_or_found_elsewhere() -> None:
    greater = planned("T1", at="10:00", client="c-9")
    lesser = {**greater, "data": {**greater["data"], "client": LESSER}}
    shard = MemoryShard(MOSCOW)
    shard.apply([greater])
    change = shard.apply([lesser])
    assert change.deletes[KEYS.names("client")] == ["c-9"]
    assert set(shard.hashes[KEYS.names("client")]) == {"c-0"}

    shard = MemoryShard(MOSCOW)
    shard.apply([greater, planned("T2", at="09:00", client="c-9", client_name="Прежнее")])
    shard.apply([lesser])
    assert "Прежнее".encode() in shard.hashes[KEYS.names("client")]["c-9"]


def test_retracted_name_is_found_again_in_tasks_that_are_not_in_memory() -> None:
    """The latest of those that are left, whichever is looked at last."""
    greater = planned("T1", at="11:00", client="c-9", client_name="Последнее")
    lesser = {**greater, "data": {**greater["data"], "client": LESSER}}
    shard = MemoryShard(MOSCOW)  # keeps one task
    shard.apply([greater])
    shard.apply([planned("T2", at="10:00", client="c-9", client_name="Позднее")])
    shard.apply([planned("T3", at="09:00", client="c-9", client_name="Раннее")])
    shard.apply([planned("T4", at="08:00")])
    shard.apply([lesser])
    assert "Позднее".encode() in shard.hashes[KEYS.names("client")]["c-9"]


def test_rename_of_a_manager_moves_the_seq_of_names() -> None:
    shard = MemoryShard(MOSCOW)
    plan = planned("T1", at="08:00")
    shard.apply([plan])
    manager = {"id": "mgr-1", "name": "Новое имя"}
    renamed = planned("T1", at="09:00")
    renamed["data"]["manager"] = manager
    assert NAMES_SEQ in shard.apply([renamed]).moved


def test_earlier_delivery_does_not_replace_a_later_one_that_was_read_from_the_store() -> None:
    shard = MemoryShard(MOSCOW)
    shard.apply([planned("T1", last_delivery_date="2026-11-22")])
    shard.restart()
    change = shard.apply([planned("T2", last_delivery_date="2026-11-20")])
    assert KEYS.deliveries not in change.sets
    assert shard.hashes[KEYS.deliveries] == {"a-1": b"2026-11-22"}


def test_advancing_the_horizon_over_several_dates_drops_them_all_in_any_order() -> None:
    shard = MemoryShard(MOSCOW)
    dates = ["2026-11-22", "2026-11-23", "2026-11-24"]
    for date in dates:
        shard.apply([planned(f"T{date}", date=date), called(f"T{date}")])
    held = {key for key in shard.hashes if "2026-11-22" in key or "2026-11-23" in key}
    change = shard.projection.advance("2026-11-24", reversed(dates))
    assert set(change.drops) == held
    assert sorted(change.gone) == ["2026-11-22", "2026-11-23"]


def test_cells_and_open_counts_that_become_zero_are_removed() -> None:
    shard = MemoryShard(MOSCOW)
    shard.apply([planned("T1", operator="op-1", at="08:00")])
    change = shard.apply([planned("T1", operator="op-2", at="09:00")])
    deadline = MOSCOW.deadline("2026-11-24")
    cell = Cell("op-1", "mgr-1", None).encode()
    assert change.deletes[KEYS.cells("2026-11-24")] == [cell]
    key = OpenKey("op-1", "mgr-1", None, deadline, "planned").encode()
    assert change.deletes[KEYS.open("2026-11-24")] == [key]
    assert change.moved >= {"2026-11-24"}


def test_memory_stays_bounded_and_what_was_forgotten_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(projection, "CACHED_IDS", 1)
    shard = MemoryShard(MOSCOW)  # keeps one task
    events = [
        event
        for number in range(3)
        for event in (
            planned(
                f"T{number}",
                operator=f"op-{number}",
                manager=f"mgr-{number}",
                client=f"c-{number}",
                address=f"a-{number}",
                last_delivery_date="2026-11-20",
            ),
            postponed(f"T{number}", "2026-11-25"),
        )
    ]
    shard.apply(events)
    held = shard.projection
    assert held.unknown_tasks(["T0", "T1", "T2"]) == ["T0", "T1"]
    assert held.unknown_deliveries(["a-0", "a-1", "a-2"]) == ["a-0", "a-1", "a-2"]
    assert not any((held._row_keys, held._encoded, *held._names.values()))
    held.forget_tasks(["T2", "T9"])
    assert held.unknown_tasks(["T2"]) == ["T2"]
    whole = MemoryShard(MOSCOW)
    for event in events:
        whole.apply([event])
    assert whole.hashes == shard.hashes


def test_most_recently_used_task_is_kept() -> None:
    shard = MemoryShard(MOSCOW)  # keeps one task
    shard.apply([planned("T1"), planned("T2")])
    shard.projection.know(Answers(tasks={"T1": shard.hashes[KEYS.docs]["T1"]}))
    shard.apply([called("T2")])
    assert shard.projection.unknown_tasks(["T1", "T2"]) == ["T1"]
