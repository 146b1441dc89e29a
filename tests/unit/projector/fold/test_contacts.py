"""Single rules of the fold from events to contacts that a small change of the code would break."""

from datetime import datetime
from zoneinfo import ZoneInfo

from projector.fold.calendar import Calendar
from projector.fold.contacts import Contact
from support.events import Event, called, cloud_event, delivered, failed, planned, postponed
from support.folded import contacts_of

MOSCOW = Calendar(ZoneInfo("Europe/Moscow"))


def folded(*events: Event) -> list[Contact]:
    return contacts_of(events, MOSCOW)


def test_a_correction_gives_the_contact_its_order_with_the_number() -> None:
    ordered = called("T", "ordered", call_id="k1", order="o-1", at="10:05")
    ordered["data"]["order"]["number"] = "77"
    (contact,) = folded(planned("T"), called("T", "answered", call_id="k1"), ordered)
    assert (contact.status, contact.orders) == ("ordered", (("o-1", "77"),))


def test_a_delivery_finds_the_earlier_contact_whose_call_has_its_order() -> None:
    order = called("T", "ordered", order="o-1", at="09:00")
    order["data"]["order"]["number"] = "77"
    earlier, later = folded(
        planned("T"), order, postponed("T", "2026-11-25"), delivered("T", "o-1")
    )
    assert (earlier.is_delivered, later.is_delivered) == (True, False)
    assert earlier.orders == (("o-1", "77"),)


def test_a_refused_failure_without_a_call_does_not_count_beside_a_refused_call() -> None:
    (contact,) = folded(
        planned("T"),
        called("T", "refused", call_id="k1"),
        failed("T", "refused", at="12:00"),
        failed("T", "refused", at="12:01", call_id="k1"),
        failed("T", "refused", at="12:02", call_id="k2"),
    )
    assert contact.refusals == (("op-1", 2),)


def test_a_refused_failure_counts_once_per_call_and_failures_of_one_operator_add_up() -> None:
    (contact,) = folded(
        planned("T"),
        failed("T", "refused", at="12:00", call_id="k1"),
        failed("T", "refused", at="12:01", call_id="k1"),
        failed("T", "refused", at="12:02", call_id="k2"),
        failed("T", "refused", at="12:03", call_id="k3"),
    )
    assert contact.refusals == (("op-1", 3),)


def test_a_plan_at_the_very_deadline_leaves_the_contact_where_it_was() -> None:
    due = "2026-11-24T12:00:00+03:00"
    again = {**planned("T", date="2026-11-26")["data"]}
    at_deadline, before = (
        folded(planned("T", due_at=due), cloud_event("planned", "T", time, again))
        for time in (due, "2026-11-24T11:59:59+03:00")
    )
    assert [contact.contact_date for contact in at_deadline] == ["2026-11-24", "2026-11-26"]
    assert [contact.contact_date for contact in before] == ["2026-11-26"]


def test_a_contact_counts_every_postponement_and_takes_the_plan_date_of_each() -> None:
    first, second = folded(
        planned("T", plan_date="2026-11-25"),
        postponed("T", "2026-11-24", at="11:00", plan_date="2026-11-26"),
        postponed("T", "2026-11-24", at="11:30"),
        postponed("T", "2026-11-27", at="12:00", plan_date="2026-11-28"),
    )
    assert (first.postponements, first.plan_date) == (3, "2026-11-26")
    assert (second.postponements, second.plan_date) == (0, "2026-11-28")


def test_a_contact_has_the_due_minute_and_the_origin_that_were_planned() -> None:
    (contact,) = folded(planned("T", due_at="2026-11-24T12:00:59+03:00", origin="forecast"))
    noon = int(datetime.fromisoformat("2026-11-24T12:00:00+03:00").timestamp()) // 60
    assert (contact.due, contact.deadline) == (noon, noon)
    assert contact.origin == "forecast"


def test_a_failure_and_a_postponement_of_one_moment_go_by_their_ids() -> None:
    plan = planned("T")
    failure = {**failed("T", "no_contact", at="12:00"), "id": "b"}
    for id_, status in (("a", "no_contact"), ("c", "open")):
        put_off = {**postponed("T", "2026-11-24", at="12:00"), "id": id_}
        (contact,) = folded(plan, failure, put_off)
        assert contact.status == status


def test_a_failure_without_a_comment_leaves_none() -> None:
    (contact,) = folded(planned("T"), failed("T", "no_contact"))
    assert contact.comment is None
