"""The query API's settings: environment variables that begin with OBZVON_."""

import re
import sys
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, AwareDatetime, Field, ValidationError, field_validator
from redis.asyncio import ConnectionPool

from contracts.traces import TracesEndpoint, TracesSample
from query_api.auth.settings import AccessSettings
from query_api.reader.client import SCHEMES

Clock = Callable[[], datetime]
"""Tells the time, with an offset."""

EXIT_CODE: Final = 2
"""Of a process whose settings are wrong."""


def _timezone(name: str) -> str:
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
    if not url.startswith(SCHEMES):
        raise ValueError(f"give a URL that begins with one of {', '.join(SCHEMES)}")
    authority = re.split("[/?]", url.partition("://")[2], maxsplit=1)[0]
    database = urlsplit(url).path.strip("/")
    if database and not database.isdecimal():
        raise ValueError(f"{database!r} is no number of a database")
    hosts = authority.rpartition("@")[2].split(",")
    if len(hosts) > 1 and "+cluster" not in url:
        raise ValueError("name one server; several only of a cluster, as redis+cluster://A,B")
    for host in hosts:
        _port(host)
    _options(url)
    return url


def _options(url: str) -> None:
    scheme, query = url.partition("://")[0].removesuffix("+cluster"), urlsplit(url).query
    try:
        ConnectionPool.from_url(f"{scheme}://localhost/?{query}").make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, ValueError) as error:
        # The query is not repeated: a password may stand in it.
        raise ValueError(f"redis-py does not take an option after the ?: {error}") from error


def _port(host: str) -> int:
    try:
        return urlsplit(f"//{host}").port or 6379
    except ValueError as error:
        raise ValueError(f"{host!r} has no port that could be; give HOST:PORT") from error


class Settings(AccessSettings):
    """Every setting; each is documented in the README's table."""

    redis_url: Annotated[str, AfterValidator(_redis_url)] = Field(
        description="The Redis the projector writes to"
    )
    timezone: Annotated[str, AfterValidator(_timezone)] = Field(
        "Europe/Moscow", description="Business time zone; the same as the projector's"
    )
    day_end: Annotated[str, AfterValidator(_day_end)] = Field(
        "24:00", description="When a contact date ends; the same as the projector's"
    )
    api_host: str = Field("127.0.0.1", description="Address the API listens on")
    api_port: int = Field(8080, ge=0, le=65_535, description="Port the API listens on")
    stale_after_s: float = Field(
        15, gt=0, description="Figures of a moment longer ago than this are marked stale"
    )
    max_streams: int = Field(10_000, ge=1, description="Streams one process holds open")
    max_streams_per_caller: int = Field(
        100, ge=1, description="Streams one person or wallboard key holds open"
    )
    now: AwareDatetime | None = Field(
        None, description="Development and tests only: the moment the report's clock stands at"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged"
    )
    traces_endpoint: TracesEndpoint = None
    traces_sample: TracesSample = 1.0

    @field_validator("now", mode="before")
    @classmethod
    def _blank_is_not_set(cls, value: object) -> object:
        return value or None

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def clock(self) -> Clock:
        """The report's clock: real time, unless `now` fixes it."""
        fixed = self.now
        if fixed is not None:
            return lambda: fixed
        return lambda: datetime.now(UTC)


def complaint(error: ValidationError) -> str:
    """One line that names the first wrong setting, its value and what to do."""
    first: dict[str, Any] = dict(error.errors()[0])
    message: str = first["msg"].removeprefix("Value error, ")
    if not first["loc"]:
        return message
    name = f"OBZVON_{str(first['loc'][0]).removeprefix('OBZVON_').upper()}"
    if first["type"] == "missing":
        described = Settings.model_fields.get(str(first["loc"][0]))
        what = f" ({described.description})" if described and described.description else ""
        return f"{name} is not set{what}: give it in the environment"
    return f"{name}={without_secrets(name, first['input'])!r} is wrong: {message}"


def without_secrets(name: str, value: object) -> str:
    """A setting's value as it may be shown: no secrets, nor passwords within a URL."""
    if name.endswith("_SECRET"):
        return "***"
    return re.sub(r"//[^/@]*@", "//***@", str(value))


def load() -> Settings:
    """The settings of the environment; or one line on stderr, and the process ends."""
    try:
        return Settings()
    except ValidationError as error:
        print(f"query_api: {complaint(error)}", file=sys.stderr)
        raise SystemExit(EXIT_CODE) from None
