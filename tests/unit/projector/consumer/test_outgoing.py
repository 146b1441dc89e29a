"""What of a batch goes to the fold, and what is sent back to Kafka."""

from aiokafka import ConsumerRecord
from pydantic_core import to_json

from projector.consumer.decode import DeadLetter, Verdict, decode, partition_of
from projector.consumer.outgoing import Outgoing, records_of_full_tasks, sort
from projector.fold.facts import fact_of_event
from support.events import called, planned

PARTITIONS = 4
HOME = partition_of(b"T1", PARTITIONS)


def record(
    offset: int, value: bytes, *, key: bytes = b"T1", partition: int = HOME
) -> ConsumerRecord:
    return ConsumerRecord("t", partition, offset, -1, 0, key, value, None, 0, 0, ())


PLANNED, CALLED = planned("T1"), called("T1")
RECORDS = [
    record(0, to_json(PLANNED)),
    record(1, b"not JSON"),
    record(2, to_json(CALLED)),
    record(3, to_json(PLANNED), partition=(HOME + 1) % PARTITIONS),
    record(4, b""),
]


def verdicts() -> list[Verdict]:
    return [decode(one, PARTITIONS) for one in RECORDS]


def test_facts_are_sorted_by_task_and_the_rest_by_what_becomes_of_it() -> None:
    facts, outgoing = sort(RECORDS, verdicts())
    assert facts == {"T1": [fact_of_event(PLANNED), fact_of_event(CALLED)]}
    assert [one.offset for one, _ in outgoing.dead_letters] == [1, 4]
    assert [(one.offset, home) for one, home in outgoing.misrouted] == [(3, HOME)]
    assert outgoing


def test_nothing_is_outgoing_if_every_record_is_a_fact() -> None:
    _, outgoing = sort(RECORDS[:1], verdicts()[:1])
    assert not outgoing
    assert outgoing.reasons() == {}


def test_dead_letters_are_counted_by_reason() -> None:
    dead = [(RECORDS[1], DeadLetter(reason, "")) for reason in ("empty", "invalid", "empty")]
    assert Outgoing(dead).reasons() == {"empty": 2, "invalid": 1}


def test_records_that_their_task_has_no_room_for_are_dead_letters() -> None:
    full = [("T1", fact_of_event(CALLED))]
    [(found, dead)] = records_of_full_tasks(RECORDS, verdicts(), full)
    assert found.offset == 2
    assert dead == DeadLetter("task_full", "task 'T1' has as many events as a task may have")
