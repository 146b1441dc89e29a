"""The projector's settings: environment variables that begin with OBZVON_."""

import re
from pathlib import Path
from typing import Annotated, Any, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict
from redis.asyncio import ConnectionPool

from contracts.traces import TracesEndpoint, TracesSample
from projector.fold.calendar import Calendar


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


def _file(path: str | None) -> str | None:
    if path is not None and not Path(path).is_file():
        raise ValueError("there is no such file")
    return path


def _redis_url(url: str) -> str:
    schemes = ("redis://", "rediss://", "redis+cluster://", "rediss+cluster://")
    if not url.startswith(schemes):
        raise ValueError(f"give a URL that begins with one of {', '.join(schemes)}")
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


class Settings(BaseSettings):
    """Every setting; each is documented in the README's table."""

    model_config = SettingsConfigDict(env_prefix="OBZVON_", extra="ignore")

    kafka_bootstrap_servers: str = Field(min_length=1)
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: str | None = None
    kafka_ssl_cafile: Annotated[str | None, AfterValidator(_file)] = None
    events_topic: str = Field("task-events", min_length=1)
    dead_letter_topic: str = Field("task-events.dlq", min_length=1)
    group_id: str = Field("obzvon-projector", min_length=1)
    redis_url: Annotated[str, AfterValidator(_redis_url)]
    timezone: Annotated[str, AfterValidator(_timezone)] = "Europe/Moscow"
    day_end: Annotated[str, AfterValidator(_day_end)] = "24:00"
    retention_days: int = Field(92, ge=1, le=36_500)
    projector_host: str = "127.0.0.1"
    projector_port: int = Field(8081, ge=0, le=65_535)
    batch_records: int = Field(4_000, ge=1, le=100_000)
    cached_tasks: int = Field(50_000, ge=1)
    session_timeout_ms: int = Field(10_000, ge=1_000)
    on_foreign: Literal["park", "rebuild"] = "park"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    traces_endpoint: TracesEndpoint = None
    traces_sample: TracesSample = 1.0

    @property
    def calendar(self) -> Calendar:
        return Calendar.of(self.timezone, self.day_end)

    def kafka_options(self) -> dict[str, Any]:
        """Keyword arguments that every aiokafka client of the projector is made with."""
        options: dict[str, Any] = {
            "bootstrap_servers": self.kafka_bootstrap_servers.split(","),
            "security_protocol": self.kafka_security_protocol,
        }
        if self.kafka_security_protocol.endswith("SSL"):
            from aiokafka.helpers import create_ssl_context

            options["ssl_context"] = create_ssl_context(cafile=self.kafka_ssl_cafile)
        if self.kafka_security_protocol.startswith("SASL"):
            options["sasl_mechanism"] = self.kafka_sasl_mechanism
            options["sasl_plain_username"] = self.kafka_sasl_username
            options["sasl_plain_password"] = self.kafka_sasl_password
        return options
