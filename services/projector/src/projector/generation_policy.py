"""Whether this projector takes the live generation over, builds another one alongside it, or parks.

Pure: what was read goes in as a frozen value, and time is an argument.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from contracts.keys import Fingerprint, LivePointer
from contracts.meta import Meta
from projector.fold import version
from projector.settings import Settings

CAUGHT_UP_MS: Final = 5_000
"""Milliseconds that a generation which is built may lag behind when it becomes live."""

HELP: Final = "Restore the settings, or run `python -m projector rebuild` with these"


@dataclass(frozen=True)
class Situation:
    """What the decision depends on."""

    live: LivePointer
    mine: Fingerprint
    """What this projector computes with."""
    was_live: Fingerprint | None
    """With what this process has computed the live generation, if it ever has."""
    predecessor: Fingerprint | None
    """With what the generation was computed that the live one took over from, if that is noted."""
    on_foreign: Literal["park", "rebuild"]
    """The setting: what to do with a live generation that is computed differently."""


@dataclass(frozen=True)
class TakeOver:
    """The live generation is computed as this projector computes: apply records to it."""


@dataclass(frozen=True)
class Build:
    """Build a generation alongside the live one, and make it live once it has caught up."""


@dataclass(frozen=True)
class Park:
    """Apply nothing until another generation is live; the reason says what to do."""

    reason: str


Decision = TakeOver | Build | Park


def decide(situation: Situation) -> Decision:
    """What to do about the live generation.

    Two releases, or two settings, that run at the same time must not take over from each other in
    turns. So nobody builds who has been live before, or whose fold is older.
    """
    live, mine = situation.live.fingerprint, situation.mine
    if live == mine:
        return TakeOver()
    foreign = (
        f"generation {situation.live.generation}, which is live, was computed otherwise: "
        f"{differences(mine, live)}"
    )
    if situation.on_foreign == "park":
        return Park(f"{foreign}. {HELP}, or set OBZVON_ON_FOREIGN=rebuild")
    if mine in (situation.was_live, situation.predecessor) or mine.fold < live.fold:
        return Park(
            f"{foreign}, and took over from this one's. {HELP} if you want to go back",
        )
    return Build()


def differences(mine: Fingerprint, theirs: Fingerprint) -> str:
    """The fields in which the two differ, for a person."""
    return ", ".join(
        f"{name} {value!r} here, {getattr(theirs, name)!r} there"
        for name, value in mine
        if value != getattr(theirs, name)
    )


def has_caught_up(shards: Sequence[Meta | None], now_ms: float) -> bool:
    """Whether a generation is as fresh as one that is live has to be, with none of it parked."""
    return all(
        meta is not None
        and bool(meta.as_of)
        and now_ms - (meta.as_of or 0) < CAUGHT_UP_MS
        and not meta.parked
        for meta in shards
    )


def is_same_log(one: Fingerprint, other: Fingerprint) -> bool:
    """Whether two generations are folded from the same partitions."""
    return (one.topic, one.partitions) == (other.topic, other.partitions)


def fingerprint_of(settings: Settings, partitions: int) -> Fingerprint:
    """What this projector computes with."""
    return Fingerprint(
        fold=version.FOLD_VERSION,
        timezone=settings.timezone,
        day_end=settings.day_end,
        retention_days=settings.retention_days,
        topic=settings.events_topic,
        partitions=partitions,
    )
