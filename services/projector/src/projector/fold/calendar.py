"""The business calendar: when a contact date ends, and on which date a moment falls."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

LAST_MINUTE = 253_402_300_799 // 60
"""The last minute of the year 9999: the deadline of dates that end after it."""


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
            if len(self._deadlines) > 10_000:  # a stray year of dates must not pile up for ever
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
