"""Parks a partition in a storm of dead letters, and finds out when the storm is over."""

from collections.abc import Sequence

import structlog
from aiokafka import ConsumerRecord

from contracts.meta import MetaChange
from projector.consumer.continuity import Extent
from projector.consumer.decode import DeadLetter, decode
from projector.consumer.errors import Parked
from projector.consumer.generation import FoldedGeneration
from projector.consumer.outgoing import Letter
from projector.consumer.storm import TAIL, Storm, Window, is_over, storm
from projector.store.generations import accept, accepted

log = structlog.get_logger()


class StormGuard:
    """The last records of one partition, and whether too many of them are dead letters."""

    def __init__(self, generation: FoldedGeneration, partition: int) -> None:
        self._generation = generation
        self._partition = partition
        self._window = Window()
        self._accepted = -1
        """Dead letters through this offset have been accepted."""
        self._storm: Storm | None = None
        """Why the partition is parked, if a storm is why."""

    def notes(self) -> MetaChange:
        """What to write to the meta together with the records."""
        return self._window.notes()

    def park_if_storm(self, records: Sequence[ConsumerRecord], letters: Sequence[Letter]) -> None:
        """Count the records. Raises `Parked` if with them too many of the last ones are dead."""
        if records[0].offset <= self._accepted:
            letters = [letter for letter in letters if letter[0].offset > self._accepted]
            records = [record for record in records if record.offset > self._accepted]
            if not records:
                return
        window = self._window
        if not letters:
            window.take(len(records), {})
            return
        places = {record.offset: at for at, record in enumerate(records)}
        window.take(len(records), {places[r.offset]: dead.reason for r, dead in letters})
        if window.is_storm():
            begin, last = records[0].offset, records[-1].offset
            topic = self._generation.log.topic
            self._storm = storm(topic, self._partition, begin, last, window)
            raise Parked(self._storm.message)

    async def require_storm_over(self, recent: str | None, at: int, extent: Extent) -> None:
        """Raise `Parked` while a storm lasts that nobody has accepted.

        `recent` is what the shard's meta holds of the last records, `at` the shard's offset.
        """
        client, topic = self._generation.client, self._generation.log.topic
        self._accepted = await accepted(client, topic, self._partition)
        self._window = Window.of_recent(recent)
        if self._accepted >= at:
            self._window, self._storm = Window(), None
        storm_ = self._storm
        if storm_ is None:
            return
        if not is_over(await self._newest(storm_, extent)):
            raise Parked(storm_.message)
        log.info("storm_over", partition=self._partition, begin=storm_.begin, last=storm_.last)
        self._accepted = max(storm_.last, extent.end - TAIL - 1)
        await accept(client, topic, self._partition, self._accepted)
        self._window, self._storm = Window(), None

    async def _newest(self, storm_: Storm, extent: Extent) -> list[bool]:
        """Of the newest records after the storm, which are dead letters."""
        begin = max(storm_.last + 1, extent.end - TAIL)
        event_log, partitions = self._generation.log, self._generation.partitions
        dead: list[bool] = []
        while begin < extent.end:
            records = await event_log.records(self._partition, begin, extent.end, TAIL)
            if not records:
                break
            dead += [type(decode(record, partitions)) is DeadLetter for record in records]
            begin = records[-1].offset + 1
        return dead
