"""The generation that a process folds, and what all of its partitions share."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Self

from contracts.keys import Fingerprint, LivePointer, ShardKeys
from contracts.meta import Status
from projector.consumer.event_log import EventLog
from projector.fold.calendar import Calendar
from projector.settings import Settings
from projector.store.shard import Shard
from projector.tracing.traces import OFF, Traces
from runtime.redis import RedisClient


@dataclass
class FoldedGeneration:
    """A generation that is live, or is being built."""

    client: RedisClient
    log: EventLog
    name: str
    fingerprint: Fingerprint
    calendar: Calendar
    cached_tasks: int
    """Tasks that all shards together keep in memory."""
    is_building: bool = False
    is_silent: bool = False
    """Whether another generation is folded from the same log meanwhile, and sends what must be
    sent: dead letters, and records of other partitions."""
    is_yielding: bool = False
    """Whether another process is about to take the shards over: then each is let go at the
    first sign of it, instead of being claimed again."""
    group: str = ""
    """The consumer group's name, for traces."""
    traces: Traces = OFF

    @classmethod
    def of(
        cls, settings: Settings, client: RedisClient, log: EventLog, pointer: LivePointer
    ) -> Self:
        """The generation that the pointer names, as these settings compute it."""
        return cls(
            client,
            log,
            pointer.generation,
            pointer.fingerprint,
            settings.calendar,
            settings.cached_tasks,
        )

    @property
    def partitions(self) -> int:
        """How many partitions the topic had when the generation was begun."""
        return self.fingerprint.partitions

    @property
    def status(self) -> Status:
        """The status of a shard that is made by this process."""
        return "building" if self.is_building else "live"

    def shard(self, partition: int) -> Shard:
        """The partition's shard, not yet claimed."""
        return Shard(
            self.client,
            ShardKeys(self.name, partition),
            self.fingerprint,
            self.calendar,
            cached_tasks=max(1, self.cached_tasks // self.partitions),
        )

    def go_live(self) -> None:
        """The generation that was built has become the live one."""
        self.is_building = self.is_silent = False

    def horizon(self) -> str:
        """Contact dates before this one are forgotten."""
        today = datetime.now(self.calendar.timezone).date().isoformat()
        return days_before(today, self.fingerprint.retention_days)

    def documents_horizon(self) -> str:
        """A document is forgotten once its newest contact is dated before this."""
        return days_before(self.horizon(), self.fingerprint.retention_days)


def days_before(day: str, days: int) -> str:
    """The date so many days earlier; the first there is, if that would be before it."""
    moment = date.fromisoformat(day)
    return (moment - min(timedelta(days=days), moment - date.min)).isoformat()
