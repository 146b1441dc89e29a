"""What a simulated day is made from."""

from dataclasses import dataclass
from datetime import date
from hashlib import blake2s

from devkit.simulator.clock import Clock


@dataclass(frozen=True)
class DayPlan:
    """What to simulate. Equal plans give equal events, ids included."""

    clock: Clock
    """Its day is the contact date."""
    operators: int = 12
    tasks: int = 600
    seed: int = 1

    @property
    def date(self) -> date:
        return self.clock.day

    @property
    def tag(self) -> str:
        """Part of every id, so that the days of two different plans never share one."""
        # The text below is part of the ids: renaming a class or field that it shows changes them.
        text = repr((self.date, self.operators, self.tasks, self.seed, self.clock.stretches))
        return blake2s(text.encode(), digest_size=4).hexdigest()
