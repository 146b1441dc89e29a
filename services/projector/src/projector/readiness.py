"""What keeps the projector from being ready."""

from typing import Any

from projector.consumer.assignment import Assignment
from projector.consumer.topic_watch import TopicWatch


def not_ready(assignment: Assignment, topic: TopicWatch) -> dict[str, Any]:
    """What is missing, by name; empty if the projector is ready.

    A process that the group gave no partitions is ready: it stands by. But only once it has
    joined, since before that nobody knows what it will have to do.
    """
    generation = assignment.generation
    if generation.is_building:
        return {"status": f"building generation {generation.name}"}
    if topic.is_cut_off:
        return {"status": "waiting: Kafka does not answer"}
    if topic.trouble:
        return {"status": topic.trouble}
    if not assignment.has_joined:
        return {"status": "joining the consumer group"}
    waiting = {
        str(owned.partition): f"{owned.state}: {owned.reason}"
        for owned in assignment.partitions.values()
        if owned.state != "live"
    }
    return {"status": "some shards are not live", "shards": waiting} if waiting else {}
