"""What a simulated day, and the days before it, are made from."""

import datetime as dt
from dataclasses import dataclass, replace
from hashlib import blake2s
from typing import Self

from devkit.simulator.campaign_profile import CAMPAIGN
from devkit.simulator.clock import Clock
from devkit.simulator.profile import Profile
from devkit.simulator.rng import Rng


@dataclass(frozen=True)
class DayPlan:
    """What to simulate. Equal plans give equal events, ids included."""

    clock: Clock
    """Its day is the contact date."""
    operators: int = 12
    tasks: int = 600
    seed: int = 1
    profile: Profile = CAMPAIGN
    days_before: int = 0
    """Dates before this one that are simulated too, and leave something to it."""
    last: "DayPlan | None" = None
    """Of a day before: the plan of the day that it leads to."""

    @property
    def date(self) -> dt.date:
        return self.clock.day

    @property
    def tag(self) -> str:
        """Part of every id, so that the days of two different plans never share one."""
        # The text below is part of the ids: renaming a class or field that it shows changes them.
        text = repr((self.date, self.operators, self.tasks, self.seed, self.clock.stretches))
        if self.profile is not CAMPAIGN:
            text += repr((self.profile.name, self.days_before, self.last and self.last.tag))
        return blake2s(text.encode(), digest_size=4).hexdigest()

    def clock_of(self, day: dt.date) -> Clock:
        """Returns the clock by which the date is played: a date before has its real times."""
        last = self.last or self
        return last.clock if day == last.date else Clock.of_date(day, self.clock.timezone)

    def in_order(self) -> list[Self]:
        """Returns the plans of the days before, from the earliest on, and this one."""
        rng = Rng(f"volume {self.date} {self.seed} {self.tasks}")
        return [*(self._before(days, rng) for days in range(self.days_before, 0, -1)), self]

    def _before(self, days: int, rng: Rng) -> Self:
        day = self.date - dt.timedelta(days=days)
        volume = self.profile.weekday_volume
        share = min(1.0, volume[day.weekday()] / volume[self.date.weekday()])
        wobble = 1 + self.profile.volume_varies_by * (2 * rng.random() - 1)
        return replace(
            self,
            clock=self.clock_of(day),
            tasks=max(1, round(self.tasks * share * wobble)),
            days_before=0,
            last=self,
        )
