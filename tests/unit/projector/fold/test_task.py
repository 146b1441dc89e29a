"""A task takes each identity once, has room for so many, and knows what it contributes."""

import pytest

from contracts.events import MAX_TASK_EVENTS
from projector.fold.calendar import Calendar
from projector.fold.facts import fact_of_event
from projector.fold.task import Task, facts_of, last_deliveries, latest_names, listings
from support.events import called, delivered, failed, planned

MOSCOW = Calendar.of("Europe/Moscow", "24:00")


def task_of(*events: dict[str, object]) -> Task:
    task = Task(MOSCOW)
    for event in events:
        task.add(fact_of_event(event))
    task.fold()
    return task


def test_task_refuses_an_identity_beyond_its_room_but_takes_known_ones() -> None:
    task = Task(MOSCOW)
    plan = planned("T1")
    assert task.add(fact_of_event(plan)) == ("new", None)
    for _ in range(MAX_TASK_EVENTS - 1):
        assert task.add(fact_of_event(called("T1")))[0] == "new"
    assert task.add(fact_of_event(called("T1"))) == ("full", None)
    assert task.add(fact_of_event(plan)) == ("same", None)
    assert len(task.facts) == MAX_TASK_EVENTS
    task.fold()
    [contact] = task.contacts
    assert contact.calls == (("op-1", MAX_TASK_EVENTS - 1),)


def test_lesser_content_of_an_identity_replaces_the_greater_one() -> None:
    greater = failed("T1", "refused", comment="б")
    lesser = {**greater, "data": {**greater["data"], "comment": "а"}}
    task = task_of(planned("T1"), greater)
    known = fact_of_event(greater)
    assert task.add(known) == ("same", None)
    assert task.add(fact_of_event(lesser)) == ("replaced", known)
    assert task.add(known) == ("same", None)
    task.fold()
    assert [contact.comment for contact in task.contacts] == ["а"]


def test_document_holds_the_facts_in_fold_order_after_the_newest_contact_date() -> None:
    task = task_of(called("T1", at="10:00"), planned("T1", date="2026-11-25", at="09:00"))
    document = task.encode()
    assert document.startswith(b"2026-11-25[")
    assert [type(fact).__name__ for fact in facts_of(document)] == ["Planned", "Called"]
    assert Task.decode(document, MOSCOW).contacts == task.contacts
    assert Task.decode(document, MOSCOW).encode() == document


def test_document_without_a_contact_has_the_date_of_the_newest_event() -> None:
    task = task_of(called("T1", at="23:00"), called("T1", at="01:00"))
    assert task.contacts == []
    assert task.encode().startswith(b"2026-11-24[")


def test_row_is_listed_under_its_holder_and_pointed_to_from_other_callers() -> None:
    task = task_of(
        planned("T1", operator="op-1"),
        called("T1", operator="op-2"),
        called("T1", "refused", operator="op-3"),
        called("T1", operator="op-1"),
    )
    [contact] = task.contacts
    assert listings(contact) == {
        ("2026-11-24", "op-1"): True,
        ("2026-11-24", "op-2"): False,
        ("2026-11-24", "op-3"): False,
    }


@pytest.mark.parametrize(
    ("events", "known"),
    [
        ([planned("T1")], {}),
        ([planned("T1", last_delivery_date="2026-11-20")], {"a-1": "2026-11-20"}),
        ([delivered("T1", "o-1")], {}),
        ([delivered("T1", "o-1"), planned("T1")], {"a-1": "2026-11-24"}),
        (
            [
                planned("T1", last_delivery_date="2026-11-30"),
                planned("T1", address="a-2"),
                planned("T1", last_delivery_date="2026-11-20"),
                delivered("T1", "o-1"),
            ],
            {"a-1": "2026-11-30", "a-2": "2026-11-24"},
        ),
    ],
)
def test_last_delivery_is_known_for_each_planned_address(
    events: list[dict[str, object]], known: dict[str, str]
) -> None:
    assert last_deliveries([fact_of_event(event) for event in events], MOSCOW) == known


def test_latest_name_of_an_id_wins_in_any_order() -> None:
    early = fact_of_event(planned("T1", at="08:00", operator_name="Иванова"))
    late = fact_of_event(planned("T2", at="09:00", operator_name="Петрова"))
    for facts in ([early, late], [late, early]):
        assert latest_names(facts)["operator", "op-1"].text == "Петрова"
