"""The only shard of a generation, for tests of the store."""

from contracts.keys import Fingerprint, ShardKeys
from projector.fold.calendar import Calendar
from projector.fold.version import FOLD_VERSION

CALENDAR = Calendar.of("Europe/Moscow", "24:00")

KEYS = ShardKeys("g1", 0)

FINGERPRINT = Fingerprint(
    fold=FOLD_VERSION,
    timezone="Europe/Moscow",
    day_end="24:00",
    retention_days=92,
    topic="t",
    partitions=1,
)
