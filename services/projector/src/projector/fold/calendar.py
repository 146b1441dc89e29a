"""The business calendar: when a contact date ends, on which date and at which hour a moment falls."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LAST_MINUTE = 253_402_300_799 // 60
"""The last minute of the year 9999: the deadline of dates that end after it."""

QUARTER_S = 900
"""Seconds in which a zone is usually at one offset, a multiple of them: so one hour holds for all."""

KEPT = 10_000
"""Dates and quarters of an hour that a calendar remembers before it forgets them all."""

_FIRST_S = (datetime(1, 1, 3, tzinfo=UTC) - EPOCH) // timedelta(seconds=1)
_LAST_S = (datetime(9999, 12, 29, tzinfo=UTC) - EPOCH) // timedelta(seconds=1)
"""Between them no zone's local time leaves the years 1 to 9999."""


def seconds_of(text: str) -> tuple[int, str]:
    """An RFC 3339 time as (whole seconds since 1970, digits of the fraction without end zeros).

    Such pairs compare as the instants do, to any number of digits.
    """
    fraction = ""
    if len(text) > 20 and text[19] == ".":
        end = 20
        while text[end].isdigit():
            end += 1
        fraction = text[20:end].rstrip("0")
        text = text[:19] + text[end:]
    moment = datetime.fromisoformat(text if text[-1] != "z" else text[:-1] + "Z")
    return (moment - EPOCH) // _SECOND, fraction


_SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Calendar:
    """The business time zone and the minute of the day at which a contact date ends.

    ``day_end`` is counted in minutes since midnight, 1 to 1440.
    """

    timezone: ZoneInfo
    day_end: int = 24 * 60
    _deadlines: dict[str, int] = field(default_factory=dict, repr=False, compare=False)
    _midnights: dict[str, int] = field(default_factory=dict, repr=False, compare=False)
    _hours: dict[int, int] = field(default_factory=dict, repr=False, compare=False)
    """Quarter of an hour since 1970 → its local hour, if all of it has the same one."""

    @classmethod
    def of(cls, timezone: str, day_end: str) -> "Calendar":
        """The calendar of a time zone's name and a time of day from 00:01 to 24:00."""
        hour, minute = day_end.split(":")
        return cls(ZoneInfo(timezone), int(hour) * 60 + int(minute))

    def deadline(self, day: str) -> int:
        """The minute since 1970 at which the contact date `day` (ISO) is over."""
        known = self._deadlines.get(day)
        if known is None:
            known = self._deadlines[day] = self._minute_after(date.fromisoformat(day))
            if len(self._deadlines) > KEPT:  # a stray year of dates must not pile up for ever
                self._deadlines.clear()
        return known

    def _minute_after(self, day: date) -> int:
        if self.day_end == 24 * 60:
            if day == date.max:
                return LAST_MINUTE
            local = datetime.combine(day + timedelta(days=1), time.min, self.timezone)
        else:
            hour, minute = divmod(self.day_end, 60)
            local = datetime.combine(day, time(hour, minute), self.timezone)
        return (local - EPOCH) // timedelta(minutes=1)

    def date_of(self, text: str) -> str:
        """The date in the business time zone on which an RFC 3339 time falls."""
        moment = datetime.fromisoformat(text.upper())
        try:
            return moment.astimezone(self.timezone).date().isoformat()
        except OverflowError:  # within hours of the year 1 or 9999
            return moment.date().isoformat()

    def date_of_seconds(self, seconds: int) -> str:
        """The date in the business time zone of a moment in seconds since 1970."""
        try:
            moment = (EPOCH + timedelta(seconds=seconds)).astimezone(self.timezone)
        except OverflowError:  # within a day of the year 1 or 9999
            return (date.min if seconds < 0 else date.max).isoformat()
        return moment.date().isoformat()

    def local_hour(self, seconds: int) -> int:
        """The hour that clocks in the business time zone show at a moment in seconds since 1970.

        It counts on from local midnight of 1970-01-01: 24 times the local date's number, and the
        hour of the day. So an hour that a clock shows twice is one.
        """
        known = self._hours.get(seconds // QUARTER_S)
        return self._hour(seconds) if known is None else known

    def midnight(self, day: str) -> int:
        """The first local hour of a date (ISO), as `local_hour` counts."""
        known = self._midnights.get(day)
        if known is None:
            if len(self._midnights) >= KEPT:
                self._midnights.clear()
            known = self._midnights[day] = (date.fromisoformat(day) - EPOCH.date()).days * 24
        return known

    def _hour(self, seconds: int) -> int:
        offset = self._offset(seconds)
        hour = (seconds + offset) // 3_600
        quarter = seconds // QUARTER_S
        first = quarter * QUARTER_S
        if not offset % QUARTER_S and (
            self._offset(first) == self._offset(first + QUARTER_S - 1) == offset
        ):
            if len(self._hours) >= KEPT:
                self._hours.clear()
            self._hours[quarter] = hour
        return hour

    def _offset(self, seconds: int) -> int:
        """Seconds that local time is ahead of UTC."""
        moment = EPOCH + timedelta(seconds=min(max(seconds, _FIRST_S), _LAST_S))
        offset = moment.astimezone(self.timezone).utcoffset()
        assert offset is not None
        return offset // _SECOND
