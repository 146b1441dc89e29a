"""What keeps the projector from being ready, in the order in which it is named."""

from types import SimpleNamespace
from typing import Any

from projector.readiness import not_ready


def status(*, has_joined: bool = True, is_building: bool = False, **topic: Any) -> dict[str, Any]:
    owned = topic.pop("owned", ())
    assignment: Any = SimpleNamespace(
        generation=SimpleNamespace(is_building=is_building, name="g2"),
        has_joined=has_joined,
        partitions={one.partition: one for one in owned},
    )
    watch: Any = SimpleNamespace(**{"is_cut_off": False, "trouble": None, **topic})
    return not_ready(assignment, watch)


def partition(number: int, state: str, reason: str = "") -> Any:
    return SimpleNamespace(partition=number, state=state, reason=reason)


def test_a_process_that_has_joined_is_ready_even_without_partitions() -> None:
    assert status() == {}
    assert status(owned=[partition(0, "live")]) == {}


def test_a_process_that_has_not_joined_is_not_ready() -> None:
    assert status(has_joined=False) == {"status": "joining the consumer group"}


def test_a_generation_that_is_being_built_is_not_ready() -> None:
    assert status(is_building=True, has_joined=False) == {"status": "building generation g2"}


def test_a_kafka_that_does_not_answer_is_named_before_what_it_last_said() -> None:
    waiting = {"status": "waiting: Kafka does not answer"}
    assert status(is_cut_off=True, trouble="topic t is gone") == waiting


def test_problem_with_the_topic_is_named() -> None:
    assert status(trouble="topic t is gone", has_joined=False) == {"status": "topic t is gone"}


def test_every_shard_that_is_not_live_is_named_with_its_reason() -> None:
    owned = [partition(0, "live"), partition(3, "parked", "a storm"), partition(7, "restoring")]
    assert status(owned=owned) == {
        "status": "some shards are not live",
        "shards": {"3": "parked: a storm", "7": "restoring: "},
    }
