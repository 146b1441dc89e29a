"""What the fold knows of an event, and how one identity with two contents is decided."""

import json

import pytest
from pydantic_core import from_json

from projector.fold.facts import Postponed, content, fact_of_event, fact_of_packed, names_of
from support.events import called, delivered, failed, planned, postponed


def test_document_with_an_unknown_type_code_is_refused() -> None:
    with pytest.raises(ValueError, match="unknown type code 9"):
        fact_of_packed([9, "/crm", "e1", "2026-11-24T10:00:00+03:00"])


@pytest.mark.parametrize(
    "event",
    [
        planned("T1", operator=None, origin="manual", last_delivery_date="2026-11-20"),
        called("T1", "ordered", operator="op-2"),
        postponed("T1", "2026-11-25", due_at="2026-11-25T12:30:59+03:00"),
        failed("T1", "refused", comment="дорого", call_id="k1"),
        delivered("T1", "o-1"),
    ],
    ids=lambda event: str(event["type"]),
)
def test_content_is_the_event_as_canonical_json(event: dict[str, object]) -> None:
    """Sorted keys, no spaces, unescaped; of what Obzvon reads."""
    read = {name: event[name] for name in ("specversion", "id", "source", "type", "time", "data")}
    canonical = json.dumps(read, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    assert content(fact_of_event(event)) == canonical.encode()


def test_absent_and_null_fields_read_the_same_but_are_two_contents() -> None:
    absent = failed("T1", "refused")
    null = {**absent, "data": {"reason": "refused", "comment": None, "call_id": None}}
    one, other = fact_of_event(absent), fact_of_event(null)
    assert one._replace(packed=b"") == other._replace(packed=b"")
    assert content(one) != content(other)


def test_fields_that_obzvon_does_not_read_are_not_content() -> None:
    event = failed("T1", "no_contact")
    other = {**event, "data": {**event["data"], "mood": "bad"}, "extension": 1}
    assert fact_of_event(event) == fact_of_event(other)


def test_due_time_counts_to_the_minute() -> None:
    event = postponed("T1", "2026-11-25", due_at="1970-01-01T00:02:59.9Z")
    fact = fact_of_event(event)
    assert isinstance(fact, Postponed)
    assert fact.due == 2
    assert fact_of_packed(from_json(fact.packed)) == fact


def test_plan_names_client_and_address_and_those_who_are_assigned() -> None:
    assert names_of(fact_of_event(planned("T1"))) == [
        ("client", ("c-1", "Клиент c-1")),
        ("address", ("a-1", "Адрес a-1")),
        ("operator", ("op-1", "Оператор op-1")),
        ("manager", ("mgr-1", "Менеджер mgr-1")),
    ]
    nobody = planned("T1", operator=None, manager=None)
    assert [kind for kind, _ in names_of(fact_of_event(nobody))] == ["client", "address"]


def test_call_and_postponement_name_their_operator_if_they_have_one() -> None:
    operator = {"id": "op-2", "name": "Оператор op-2"}
    named = [("operator", ("op-2", "Оператор op-2"))]
    assert names_of(fact_of_event(called("T1", operator="op-2"))) == named
    assert names_of(fact_of_event(postponed("T1", "2026-11-25", operator=operator))) == named
    assert names_of(fact_of_event(called("T1"))) == []
    assert names_of(fact_of_event(failed("T1", "refused"))) == []
    assert names_of(fact_of_event(delivered("T1", "o-1"))) == []


def test_facts_of_one_moment_sort_plans_then_calls_then_the_rest() -> None:
    at = "10:00"
    events = [failed("T1", "refused", at=at), called("T1", at=at), planned("T1", at=at)]
    kinds = [type(fact).__name__ for fact in sorted(map(fact_of_event, events))]
    assert kinds == ["Planned", "Called", "Failed"]
