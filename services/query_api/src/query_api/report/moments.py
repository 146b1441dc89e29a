"""Minutes since 1970, which deadlines are counted in, and moments as the JSON shows them."""

from datetime import UTC, datetime, timedelta, tzinfo
from typing import Final

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE: Final = timedelta(minutes=1)

_FIRST: Final = datetime(1, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(9999, 12, 31, 23, 59, tzinfo=UTC)


def minute_of(moment: datetime) -> int:
    """The minute since 1970 that the moment, which has an offset, belongs to."""
    return (moment - EPOCH) // MINUTE


def moment_of_minute(minute: int, zone: tzinfo) -> datetime:
    """The moment of a minute since 1970: "never" is often written as the end of the year 9999.

    The nearest one there is, if the calendar or the zone ends before it.
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
    """Milliseconds since 1970 as RFC 3339 in the business time zone."""
    if milliseconds is None:
        return None
    at = datetime.fromtimestamp(milliseconds / 1000, UTC)
    return at.astimezone(zone).isoformat(timespec="milliseconds")
