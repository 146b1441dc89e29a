"""The query API's settings: environment variables that begin with OBZVON_."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated
from zoneinfo import ZoneInfo

from pydantic import AwareDatetime, Field

from query_api.auth.settings import AccessSettings
from runtime.settings import (
    BLANK_IS_NONE,
    DayEnd,
    LogLevel,
    RedisUrl,
    TimeZone,
    TracesEndpoint,
    TracesSample,
    WrongSetting,
    load_or_exit,
)

Clock = Callable[[], datetime]
"""Tells the time, with an offset."""


class Settings(AccessSettings):
    """Every setting; each is documented in docs/settings.md."""

    redis_url: RedisUrl = Field(description="The Redis the projector writes to")
    timezone: TimeZone = Field(
        "Europe/Moscow", description="Business time zone; the same as the projector's"
    )
    day_end: DayEnd = Field(
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
    now: Annotated[AwareDatetime | None, BLANK_IS_NONE] = Field(
        None, description="Development and tests only: the moment the report's clock stands at"
    )
    log_level: LogLevel = Field("info", description="Least severe level that is logged")
    traces_endpoint: TracesEndpoint = None
    traces_sample: TracesSample = 1.0

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    def clock(self) -> Clock:
        """The report's clock: real time, unless `now` fixes it."""
        fixed = self.now
        if fixed is not None:
            return lambda: fixed
        return lambda: datetime.now(UTC)


def load_settings() -> Settings:
    """Returns the settings of the environment; if one is wrong, says so and ends the process."""
    return load_or_exit(Settings, "query_api", _describe)


def _describe(wrong: WrongSetting) -> str:
    if not wrong.name:
        return wrong.message
    if wrong.value is None:
        what = f" ({wrong.description})" if wrong.description else ""
        return f"{wrong.name} is not set{what}: give it in the environment"
    return f"{wrong.name}={wrong.value!r} is wrong: {wrong.message}"
