"""What of a batch must be sent to Kafka: dead letters, and records of other partitions."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import ConsumerRecord

from projector import metrics
from projector.consumer.decode import DeadLetter, Found, Misrouted, Verdict, decode
from projector.consumer.event_log import EventLog
from projector.fold.facts import Fact

AT_ONCE = 4_000
"""Records looked at in one go."""

Letter = tuple[ConsumerRecord, DeadLetter]
"""A record, and why it is dead."""


@dataclass
class Outgoing:
    """Records to send; nothing that lies behind them is written before Kafka has them."""

    dead_letters: list[Letter] = field(default_factory=list)
    misrouted: list[tuple[ConsumerRecord, int]] = field(default_factory=list)
    """(record, the partition that it belongs to)."""

    def __bool__(self) -> bool:
        return bool(self.dead_letters or self.misrouted)

    def reasons(self) -> dict[str, int]:
        """Dead letters by reason."""
        return dict(Counter(dead.reason for _, dead in self.dead_letters))

    async def send(self, log: EventLog) -> None:
        """Send them all and wait until Kafka has them: at least once each."""
        sent = [await log.send_dead_letter(record, dead) for record, dead in self.dead_letters]
        sent += [await log.forward(record, home) for record, home in self.misrouted]
        if sent:
            await asyncio.gather(*sent)

    def count(self) -> None:
        """Count them in the metrics."""
        metrics.FORWARDED.inc(len(self.misrouted))
        for reason, number in self.reasons().items():
            metrics.DEAD.labels(reason).inc(number)


def sort(
    records: Sequence[ConsumerRecord], verdicts: Sequence[Verdict]
) -> tuple[dict[str, list[Fact]], Outgoing]:
    """The facts by task id, and what must be sent; `verdicts` are those on the records."""
    facts: dict[str, list[Fact]] = {}
    outgoing = Outgoing()
    for record, verdict in zip(records, verdicts, strict=True):
        if type(verdict) is Found:
            task_id, fact = verdict
            facts.setdefault(task_id, []).append(fact)
        elif type(verdict) is Misrouted:
            outgoing.misrouted.append((record, verdict.partition))
        elif type(verdict) is DeadLetter:
            outgoing.dead_letters.append((record, verdict))
    return facts, outgoing


def records_of_full_tasks(
    records: Sequence[ConsumerRecord],
    verdicts: Sequence[Verdict],
    full: Sequence[tuple[str, Fact]],
) -> list[Letter]:
    """The records of facts (task id, fact) that their task has no room for, as dead letters."""
    refused = {(task_id, fact.source, fact.id) for task_id, fact in full}
    letters = []
    for record, verdict in zip(records, verdicts, strict=True):
        if type(verdict) is Found:
            task_id, fact = verdict
            if (task_id, fact.source, fact.id) in refused:
                detail = f"task {task_id!r} has as many events as a task may have"
                letters.append((record, DeadLetter("task_full", detail)))
    return letters


async def send_again(log: EventLog, partition: int, partitions: int, begin: int, end: int) -> None:
    """Send what of a partition's records from `begin` on, before `end`, must be sent.

    It does no harm if that has been sent before.
    """
    while begin < end:
        records = await log.records(partition, begin, end, AT_ONCE)
        if not records:
            return
        _, outgoing = sort(records, [decode(record, partitions) for record in records])
        await outgoing.send(log)
        begin = records[-1].offset + 1
