"""Settings from the environment: the types that several processes share, and how errors are shown.

A process whose settings are wrong ends with exit code `EXIT_CODE` and one line on stderr. Nothing
here imports OpenTelemetry.
"""

import re
import sys
from collections.abc import Callable
from typing import Annotated, Any, Final, Literal, NamedTuple, TypeVar
from urllib.parse import urlsplit, urlunsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BeforeValidator, Field, ValidationError
from pydantic_settings import BaseSettings

PREFIX: Final = "OBZVON_"
"""Begins the name of every environment variable."""

EXIT_CODE: Final = 2
"""Exit code of a process whose settings are wrong."""

REDIS_SCHEMES: Final = ("redis://", "rediss://", "redis+cluster://", "rediss+cluster://")
"""What a `RedisUrl` begins with: a single server or a cluster, each with TLS or without."""

HIDDEN: Final = "***"
"""Shown in place of a secret."""

S = TypeVar("S", bound=BaseSettings)


class WrongSetting(NamedTuple):
    """The first setting that is wrong, in words that may be shown."""

    name: str
    """Of the environment variable; empty if several settings contradict each other."""
    message: str
    """What is wrong with the value, and what to give."""
    value: str | None = None
    """Without secrets; None if the setting is missing."""
    description: str = ""
    """The setting's own, if it has one."""


def wrong_setting(error: ValidationError, settings: type[BaseSettings]) -> WrongSetting:
    """Returns the first setting that the error is about."""
    first: dict[str, Any] = dict(error.errors(include_url=False)[0])
    message = redact_url(first["msg"].removeprefix("Value error, "))
    if not first["loc"]:
        return WrongSetting("", message)
    field = str(first["loc"][0])
    name = PREFIX + field.removeprefix(PREFIX).upper()
    described = settings.model_fields.get(field)
    return WrongSetting(
        name,
        message,
        None if first["type"] == "missing" else redact(name, first["input"]),
        (described.description if described else None) or "",
    )


def load_or_exit(settings: type[S], program: str, describe: Callable[[WrongSetting], str]) -> S:
    """Returns the settings of the environment.

    If one is wrong, writes one line, `program` and what `describe` says, to stderr and ends the
    process with `EXIT_CODE`.
    """
    try:
        return settings()
    except ValidationError as error:
        sys.stderr.write(f"{program}: {describe(wrong_setting(error, settings))}\n")
        raise SystemExit(EXIT_CODE) from None


def redact(name: str, value: object) -> str:
    """Returns a setting's value as it may be shown.

    If the name says that it is secret, none of it; otherwise all but users and passwords in URLs.
    """
    if name.endswith(("_PASSWORD", "_SECRET")):
        return HIDDEN
    return redact_url(str(value))


def redact_url(url: str) -> str:
    """Returns the URL without the user and the passwords in it; any other text as it is."""
    # Up to the last @, since a password may itself hold one that should have been quoted.
    without_user = re.sub(r"//.*@", f"//{HIDDEN}@", url)
    return re.sub(r"(password=)[^&]*", rf"\1{HIDDEN}", without_user)


# --- types of settings ------------------------------------------------------------------------


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise ValueError("no such time zone; give an IANA name like Europe/Moscow") from error
    return name


def _day_end(text: str) -> str:
    hour, _, minute = text.partition(":")
    if not (len(hour) == len(minute) == 2 and hour.isdigit() and minute.isdigit()):
        raise ValueError("give a time of day as HH:MM, at most 24:00")
    if not 0 < int(hour) * 60 + int(minute) <= 24 * 60 or int(minute) > 59:
        raise ValueError("give a time of day from 00:01 to 24:00")
    return text


def _redis_url(url: str) -> str:
    if not url.startswith(REDIS_SCHEMES):
        raise ValueError(f"give a URL that begins with one of {', '.join(REDIS_SCHEMES)}")
    authority = re.split("[/?]", url.partition("://")[2], maxsplit=1)[0]
    database = urlsplit(url).path.strip("/")
    if database and not database.isdecimal():
        raise ValueError(f"{database!r} is no number of a database")
    hosts = authority.rpartition("@")[2].split(",")
    if len(hosts) > 1 and "+cluster" not in url:
        raise ValueError("name one server; several only of a cluster, as redis+cluster://A,B")
    for host in hosts:
        _require_port(host)
    _require_known_options(url)
    return url


def _require_port(host: str) -> None:
    try:
        _ = urlsplit(f"//{host}").port
    except ValueError as error:
        raise ValueError(f"{host!r} has no port that could be; give HOST:PORT") from error


def _require_known_options(url: str) -> None:
    from redis.asyncio import ConnectionPool

    scheme, query = url.partition("://")[0].removesuffix("+cluster"), urlsplit(url).query
    try:
        ConnectionPool.from_url(f"{scheme}://localhost/?{query}").make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, ValueError) as error:
        # The query is not repeated: it may hold a password.
        raise ValueError(f"redis-py does not take an option after the ?: {error}") from error


def _collector_url(url: str | None) -> str | None:
    if url is None:
        return None
    try:
        parts = urlsplit(url)
        is_usable = parts.scheme in ("http", "https") and bool(parts.hostname)
        _ = parts.port  # raises if it is not a number
    except ValueError:
        is_usable = False
    if not is_usable:
        raise ValueError("give the OTLP/HTTP URL of a collector, like http://collector:4318")
    if parts.path in ("", "/"):
        return urlunsplit(parts._replace(path="/v1/traces"))
    return url


BLANK_IS_NONE: Final = BeforeValidator(lambda value: value or None)
"""An environment variable that is set to nothing counts as one that is not set."""

TimeZone = Annotated[str, AfterValidator(_time_zone)]
"""Name of an IANA time zone that this system knows."""

DayEnd = Annotated[str, AfterValidator(_day_end)]
"""Time of day, HH:MM, from 00:01 to 24:00."""

RedisUrl = Annotated[str, AfterValidator(_redis_url)]
"""URL that `runtime.redis.connect` takes: its scheme, hosts, database and options are checked."""

LogLevel = Literal["debug", "info", "warning", "error"]

TracesEndpoint = Annotated[
    str | None,
    BLANK_IS_NONE,
    AfterValidator(_collector_url),
    Field(
        description="OTLP/HTTP URL of the collector that traces go to; without it there are none"
    ),
]
"""None, also for blank text, is off. A URL without a path gets OTLP's own, /v1/traces."""

TracesSample = Annotated[
    float,
    Field(ge=0, le=1, description="Share of traces begun here that are recorded"),
]
"""Of those begun elsewhere, whoever began them has decided."""
