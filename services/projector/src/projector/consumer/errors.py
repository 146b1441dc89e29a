"""What keeps a partition from being applied."""

from typing import Final

from aiokafka.errors import KafkaError

from projector.store.errors import StaleOwner
from runtime.redis import RETRYABLE

UNAVAILABLE: Final = (KafkaError, TimeoutError, *RETRYABLE)
"""What Kafka and Redis raise that cannot be reached, or refuse, for now: wait and try again."""

CLAIM_AGAIN: Final = (StaleOwner, *UNAVAILABLE)
"""What a read or a write of a shard raises after which the shard is to be claimed again."""


class Parked(Exception):
    """Going on would make the report wrong; the message says why and what to do."""


def label_of(error: Exception) -> str:
    """The error as the label `reason` of a metric."""
    return error.label if isinstance(error, StaleOwner) else type(error).__name__
