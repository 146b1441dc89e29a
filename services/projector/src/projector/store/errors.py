"""Why a shard refuses its caller."""

from typing import ClassVar


class StaleOwner(Exception):
    """The caller no longer knows the shard as it is: drop what is cached and claim it again."""

    label: ClassVar[str]
    """The value of a metric's label; it stays, whatever the class is called."""


class Superseded(StaleOwner):
    """Another owner has written to the shard."""

    label = "Superseded"


class RolledBack(StaleOwner):
    """Redis has lost writes that it had acknowledged."""

    label = "RolledBack"


class Retired(StaleOwner):
    """The shard's generation is retired: another generation is read now."""

    label = "Retired"


class ForeignFingerprint(Exception):
    """The generation was computed with other settings or another fold."""

    def __init__(self, theirs: str, ours: str) -> None:
        super().__init__(f"it was computed with {theirs}, this projector computes with {ours}")
