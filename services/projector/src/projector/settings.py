"""The projector's settings: environment variables that begin with OBZVON_."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from projector.fold.calendar import Calendar
from runtime.settings import (
    DayEnd,
    LogLevel,
    RedisUrl,
    TimeZone,
    TracesEndpoint,
    TracesSample,
    WrongSetting,
    load_or_exit,
)


def _file(path: str | None) -> str | None:
    if path is not None and not Path(path).is_file():
        raise ValueError("there is no such file")
    return path


class Settings(BaseSettings):
    """Every setting; each is documented in docs/settings.md."""

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
    redis_url: RedisUrl
    timezone: TimeZone = "Europe/Moscow"
    day_end: DayEnd = "24:00"
    retention_days: int = Field(92, ge=1, le=36_500)
    projector_host: str = "127.0.0.1"
    projector_port: int = Field(8081, ge=0, le=65_535)
    batch_records: int = Field(4_000, ge=1, le=100_000)
    cached_tasks: int = Field(50_000, ge=1)
    session_timeout_ms: int = Field(10_000, ge=1_000)
    on_foreign: Literal["park", "rebuild"] = "park"
    log_level: LogLevel = "info"
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


def load_settings() -> Settings:
    """Returns the settings of the environment; if one is wrong, says so and ends the process."""
    return load_or_exit(Settings, "projector", _describe)


def _describe(wrong: WrongSetting) -> str:
    if wrong.value is None:
        return f"{wrong.name} is not set; see docs/settings.md"
    return f"{wrong.name} is {wrong.value!r}: {wrong.message}"
