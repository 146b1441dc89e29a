"""From seconds of the simulated day to real time, which its events have."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import Final, NamedTuple, Self
from zoneinfo import ZoneInfo

HOUR: Final = 3_600
DAY: Final = 24 * HOUR

OPENING: Final = 8 * HOUR
"""From this second of the day until now, a shifted day runs at its own pace."""

LONG_AGO: Final = -3 * DAY
"""Up to this second, history keeps its real times even if the day is shifted."""

EVENING: Final = 20 * HOUR + HOUR // 2
MORNING_AFTER: Final = DAY + 8 * HOUR + HOUR // 2
NIGHT_S: Final = 60
"""Seconds that the time from `EVENING` to `MORNING_AFTER`, when nothing happens, counts at high speed."""


class Stretch(NamedTuple):
    """From a simulated second on, `slope` real seconds pass for each simulated one."""

    second: float
    moment: float
    """Seconds since 1970 at `second`."""
    slope: float


@dataclass(frozen=True)
class Clock:
    """Maps simulated seconds since midnight of a date to real moments.

    Seconds before 0 are of earlier dates, seconds from 86,400 on of later ones. A later second gives
    a later moment. Before its first stretch the clock runs at real pace.
    """

    day: date
    timezone: ZoneInfo
    stretches: tuple[Stretch, ...]

    @classmethod
    def of_date(cls, day: date, timezone: ZoneInfo) -> Self:
        """The date as it is: simulated times are real times."""
        return cls(day, timezone, (Stretch(0, _midnight(day, timezone), 1.0),))

    @classmethod
    def live(
        cls,
        day: date,
        timezone: ZoneInfo,
        now: float,
        second: float | None = None,
        speed: float = 1.0,
    ) -> Self:
        """The day's second `second` is `now` (seconds since 1970); None: the real second of the day.

        Before `now` the day runs at its own pace. After it, `speed` simulated seconds pass for each
        real one; if that is more than one, the night is skipped. If `second` is not the real one,
        the three days before are stretched or squeezed to meet the shifted morning, so that no two
        moments change places.
        """
        midnight = _midnight(day, timezone)
        shift = 0.0 if second is None else now - midnight - second
        if second is None:
            second = now - midnight
        opening = min(second, OPENING)
        slope = 1 + shift / (opening - LONG_AGO)
        if slope <= 0:
            raise ValueError(f"{day} is too far away to be shifted to now")
        history = (
            Stretch(LONG_AGO, midnight + LONG_AGO, slope),
            Stretch(opening, midnight + opening + shift, 1.0),
        )
        return cls(day, timezone, history + _stretches_ahead(now, second, speed))

    @classmethod
    def for_playback(
        cls, day: date, timezone: ZoneInfo, now: float, second: float, speed: float
    ) -> Self:
        """When to play each second of any date, if its second `second` is played `now`."""
        return cls(day, timezone, _stretches_ahead(now, second, speed))

    def moment(self, second: float) -> float:
        """Returns the real moment of a simulated second, in seconds since 1970."""
        at = bisect_right(self.stretches, second, key=_second) - 1
        if at < 0:
            first = self.stretches[0]
            return first.moment + second - first.second
        start, moment, slope = self.stretches[at]
        return moment + (second - start) * slope

    def text(self, second: float) -> str:
        """Returns its moment by RFC 3339 in the time zone, with milliseconds if it is no whole second."""
        moment = round(self.moment(second), 3)
        at = datetime.fromtimestamp(moment, self.timezone)
        return at.isoformat(timespec="seconds" if moment == int(moment) else "milliseconds")

    def next_minute(self, second: float) -> datetime:
        """Returns the first real whole minute that is not before the second."""
        return datetime.fromtimestamp(60 * ceil(self.moment(second) / 60), self.timezone)

    def real_time(self, day_offset: int, second: int) -> str:
        """Returns a real time of day so many dates later by RFC 3339, however the clock runs."""
        midnight = datetime.combine(self.day + timedelta(days=day_offset), time(), self.timezone)
        return (midnight + timedelta(seconds=second)).isoformat(timespec="seconds")


def _stretches_ahead(now: float, second: float, speed: float) -> tuple[Stretch, ...]:
    """Returns the stretches from `second` on; faster than real time they skip the night."""
    stretches = [Stretch(second, now, 1 / speed)]
    if speed > 1:
        night = NIGHT_S / (MORNING_AFTER - EVENING)
        for start, pace in ((EVENING, night), (MORNING_AFTER, 1.0)):
            if start > second:
                last = stretches[-1]
                moment = last.moment + (start - last.second) * last.slope
                stretches.append(Stretch(start, moment, pace / speed))
    return tuple(stretches)


def _second(stretch: Stretch) -> float:
    return stretch.second


def _midnight(day: date, timezone: ZoneInfo) -> float:
    return datetime.combine(day, time(), timezone).timestamp()
