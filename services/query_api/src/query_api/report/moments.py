"""Minutes since 1970, the unit of deadlines, and moments as the JSON shows them."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)

_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


def minute_of(moment: datetime) -> int:
    """Returns the minute since 1970 that a moment with an offset is in."""
    return (moment - EPOCH) // MINUTE


def moment_of_minute(minute: int, zone: tzinfo) -> datetime:
    """Returns the moment of a minute since 1970, or the nearest one that Python can represent.

    Systems often write "never" as the end of the year 9999.
    """
    try:
        moment = EPOCH + minute * MINUTE
    except OverflowError:
        return _FIRST if minute < 0 else _LAST
    try:
        return moment.astimezone(zone)
    except OverflowError:
        return moment


def rfc3339(milliseconds: int | None, zone: tzinfo) -> str | None:
    """Formats milliseconds since 1970 as RFC 3339 in the business time zone."""
    if milliseconds is None:
        return None
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return at.astimezone(zone).isoformat(timespec="milliseconds")
