"""The settings of traces, and what traces cost if they are off."""

import subprocess
import sys
from typing import Any

import pytest
from pydantic import ValidationError

from projector.settings import Settings as ProjectorSettings
from query_api.settings import Settings as ApiSettings

SERVICES = {
    "projector": lambda **more: ProjectorSettings(
        kafka_bootstrap_servers="k:9092", redis_url="redis://r", **more
    ),
    "query_api": lambda **more: ApiSettings(
        redis_url="redis://r", oidc_issuer="https://issuer.test", **more
    ),
}


@pytest.fixture(params=SERVICES)
def settings(request: pytest.FixtureRequest) -> Any:
    return SERVICES[request.param]


def test_traces_are_off_by_default_and_if_the_variable_is_blank(settings: Any) -> None:
    assert settings().traces_endpoint is None
    assert settings(traces_endpoint="").traces_endpoint is None


def test_collector_address_gets_the_standard_otlp_path(settings: Any) -> None:
    given = "http://collector:4318"
    assert settings(traces_endpoint=given).traces_endpoint == f"{given}/v1/traces"
    assert settings(traces_endpoint=f"{given}/mine").traces_endpoint == f"{given}/mine"


@pytest.mark.parametrize(
    "wrong", ["collector:4318", "grpc://collector:4317", "http://", "http://c:x"]
)
def test_traces_endpoint_that_is_not_a_url_is_rejected(settings: Any, wrong: str) -> None:
    with pytest.raises(ValidationError, match="give the OTLP/HTTP URL of a collector"):
        settings(traces_endpoint=wrong)


@pytest.mark.parametrize("wrong", ["-0.1", "1.1", "nan", "half"])
def test_sampling_share_is_between_zero_and_one(settings: Any, wrong: str) -> None:
    with pytest.raises(ValidationError, match="traces_sample"):
        settings(traces_sample=wrong)


@pytest.mark.parametrize("module", ["projector.main", "query_api.main", "devkit.publishing.file"])
def test_tracing_library_is_not_imported_if_traces_are_off(module: str) -> None:
    heavy = ("opentelemetry.sdk.trace", "opentelemetry.exporter", "runtime.trac")
    code = f"import sys, {module}; print([m for m in sys.modules if m.startswith({heavy})])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
