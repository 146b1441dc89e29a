"""From seconds of the simulated day to the moments that its events bear."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from math import ceil
from typing import Final, NamedTuple, Self
from zoneinfo import ZoneInfo

HOUR: Final = 3_600
DAY: Final = 24 * HOUR

OPENING: Final = 8 * HOUR
"""Second of the day from which on, until now, a shifted day keeps its own pace."""

LONG_AGO: Final = -3 * DAY
"""Second up to which history stays where it was when the day is shifted."""

EVENING: Final = 20 * HOUR + HOUR // 2
MORNING_AFTER: Final = DAY + 8 * HOUR + HOUR // 2
NIGHT_S: Final = 60
"""Nothing happens from `EVENING` to `MORNING_AFTER`: played faster than life, it counts so much."""


class Stretch(NamedTuple):
    """From a simulated second on, so many seconds of life pass for each simulated one."""

    second: float
    moment: float
    """Seconds since 1970 at `second`."""
    slope: float


@dataclass(frozen=True)
class Clock:
    """Seconds since midnight of a date, as they are simulated, to moments of life.

    Seconds before 0 are of earlier dates, seconds from 86,400 on of later ones. Later seconds
    give later moments. Before its first stretch the clock keeps the pace of life.
    """

    day: date
    timezone: ZoneInfo
    stretches: tuple[Stretch, ...]

    @classmethod
    def of_date(cls, day: date, timezone: ZoneInfo) -> Self:
        """The date as it is: simulated times are the times of life."""
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
        """The day's second `second` is `now` (seconds since 1970); None: whatever it is in life.

        Before `now` the day keeps its own pace. After it, `speed` simulated seconds pass for each
        second of life, and faster than life the night is skipped. If `second` is not what it is
        in life, the three days before are stretched or squeezed to meet the shifted morning, so
        that no two moments change places.
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
        """When each second of any date is to be played, if `second` of it is played `now`."""
        return cls(day, timezone, _stretches_ahead(now, second, speed))

    def moment(self, second: float) -> float:
        """Seconds since 1970."""
        at = bisect_right(self.stretches, second, key=_second) - 1
        if at < 0:
            first = self.stretches[0]
            return first.moment + second - first.second
        start, moment, slope = self.stretches[at]
        return moment + (second - start) * slope

    def text(self, second: float) -> str:
        """RFC 3339 in the time zone, to the millisecond where moments are not whole seconds."""
        moment = round(self.moment(second), 3)
        at = datetime.fromtimestamp(moment, self.timezone)
        return at.isoformat(timespec="seconds" if moment == int(moment) else "milliseconds")

    def next_minute(self, second: float) -> datetime:
        """The first whole minute of life that does not lie before the second."""
        return datetime.fromtimestamp(60 * ceil(self.moment(second) / 60), self.timezone)

    def real_time(self, day_offset: int, second: int) -> str:
        """RFC 3339 of a time of day some dates later (or earlier), whatever the clock does."""
        midnight = datetime.combine(self.day + timedelta(days=day_offset), time(), self.timezone)
        return (midnight + timedelta(seconds=second)).isoformat(timespec="seconds")


def _stretches_ahead(now: float, second: float, speed: float) -> tuple[Stretch, ...]:
    """What is to come from `second` on, faster than life without the night."""
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
