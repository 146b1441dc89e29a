"""docker-compose.yml and the images match the code; no Docker engine is needed."""

import json
import re
from contextlib import nullcontext
from typing import Any

import pytest
import yaml
from pydantic_settings import BaseSettings
from typer.main import get_command

import devkit.cli.app
from devkit.stack import topics
from projector.health import health_app
from projector.settings import Settings as ProjectorSettings
from query_api.routes import health
from query_api.settings import Settings as ApiSettings
from support.paths import ROOT

COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
MEMBERS = ("contracts", "runtime", "services/projector", "services/query_api")
OURS: dict[str, type[BaseSettings]] = {"projector": ProjectorSettings, "query_api": ApiSettings}


def dockerfile(service: str) -> str:
    path: str = SERVICES[service]["build"]["dockerfile"]
    return (ROOT / path).read_text()


@pytest.mark.parametrize("service", OURS)
def test_every_variable_is_a_setting_and_no_required_one_is_missing(service: str) -> None:
    fields = OURS[service].model_fields
    names = {f"OBZVON_{name.upper()}": field for name, field in fields.items()}
    given = SERVICES[service]["environment"]
    assert set(given) <= set(names)
    required = {name for name, field in names.items() if field.is_required()}
    assert required <= set(given)


@pytest.mark.parametrize("service", OURS)
def test_service_starts_with_the_values_of_the_file(
    service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in SERVICES[service]["environment"].items():
        given = re.sub(r"\$\{(\w+):[-?]([^}]*)\}", r"\2", value)
        monkeypatch.setenv(name, "https://issuer.test" if name == "OBZVON_OIDC_ISSUER" else given)
    OURS[service]()


@pytest.mark.parametrize("service", OURS)
def test_an_image_runs_a_module_that_exists(service: str) -> None:
    command = json.loads(re.findall(r"^CMD (\[.*\])$", dockerfile(service), re.MULTILINE)[-1])
    assert command == ["python", "-m", service]
    assert (ROOT / "services" / service / "src" / service / "__main__.py").exists()


@pytest.mark.parametrize("service", OURS)
def test_the_health_check_asks_the_port_the_service_listens_on(service: str) -> None:
    text = dockerfile(service)
    port = {"projector": "OBZVON_PROJECTOR_PORT", "query_api": "OBZVON_API_PORT"}[service]
    listens = SERVICES[service]["environment"][port]
    assert re.search(rf"http://127\.0\.0\.1:{listens}/(livez|readyz)'", text)
    assert f"EXPOSE {listens}" in text
    assert f"{port}={listens}" in text


@pytest.mark.parametrize("service", [*OURS, "simulator"])
def test_an_image_is_built_in_stages_from_files_that_exist_and_runs_as_nobody_special(
    service: str,
) -> None:
    text = dockerfile(service)
    assert len(re.findall(r"^FROM ", text, re.MULTILINE)) >= 2
    assert re.findall(r"^FROM (\S+)$", text, re.MULTILINE) == ["python:3.12-slim"]  # what runs
    assert re.search(r"^USER obzvon$", text, re.MULTILINE)
    for source in re.findall(r"^COPY (?!--from)(\S+) ", text, re.MULTILINE):
        assert (ROOT / source).exists(), source
    for lock in re.findall(r"--require-hashes -r (\S+)", text):
        assert "--hash=sha256:" in (ROOT / lock).read_text()


@pytest.mark.parametrize("service", [*OURS, "simulator"])
def test_an_image_installs_every_member_that_its_own_member_needs(service: str) -> None:
    text = dockerfile(service)
    copied = re.findall(r"^COPY (?!--from|requirements)(\S+) ", text, re.MULTILINE)
    described = (ROOT / SERVICES[service]["build"]["dockerfile"]).with_name("pyproject.toml")
    for member in re.findall(r'^    "obzvon-([a-z-]+)",$', described.read_text(), re.MULTILINE):
        (folder,) = (one for one in MEMBERS if one.endswith(member.replace("-", "_")))
        assert f"./{folder}" in text
        assert any(folder.startswith(one) for one in copied), folder


def test_image_of_the_api_builds_the_pages_and_can_keep_those_of_the_last_image() -> None:
    text = dockerfile("query_api")
    built, laid = re.search(r"tools/build_pages.ts (\S+)", text), "src/query_api/assets/pages"
    assert built
    assert f"COPY --from=pages {built[1]} services/query_api/{laid}\n" in text
    assert re.search(r"^ARG LAST_IMAGE=scratch\nFROM \$\{LAST_IMAGE\} AS last$", text, re.MULTILINE)
    assert f"services/query_api/{laid}" in (ROOT / ".dockerignore").read_text().splitlines()


def test_the_simulator_is_called_with_options_it_has() -> None:
    name, *options = SERVICES["simulator"]["command"]
    command: Any = get_command(devkit.cli.app.cli)
    with command.make_context("obzvon", [name, *options], resilient_parsing=True) as context:
        simulate = command.get_command(context, name)
        known = {option for parameter in simulate.params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


def test_services_wait_for_their_dependencies() -> None:
    for name, service in SERVICES.items():
        for needed, condition in service.get("depends_on", {}).items():
            assert needed in SERVICES, name
            if condition["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[needed], needed


def test_created_topics_are_those_the_projector_reads() -> None:
    script = SERVICES["topics"]["command"][0]
    made = set(re.findall(r"^create (\S+) \d+$", script, re.MULTILINE))
    environment = SERVICES["projector"]["environment"]
    assert made == {environment["OBZVON_EVENTS_TOPIC"], environment["OBZVON_DEAD_LETTER_TOPIC"]}


def checked_path(service: str) -> str:
    (path,) = re.findall(r"http://127\.0\.0\.1:\d+(/\w+)'", dockerfile(service))
    return str(path)


async def test_the_health_check_asks_a_path_that_the_projector_answers() -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    app = health_app(nullcontext(), dict)
    await app({"type": "http", "path": checked_path("projector")}, None, send)
    assert sent[0]["status"] == 200


def test_the_health_check_asks_a_path_that_the_api_has() -> None:
    assert checked_path("query_api") in {getattr(r, "path", None) for r in health.router.routes}


@pytest.mark.parametrize("service", OURS)
def test_a_published_port_is_the_one_that_is_listened_on(service: str) -> None:
    for port in SERVICES[service].get("ports", []):
        address, _, inside = port.rpartition(":")
        assert f"EXPOSE {inside}" in dockerfile(service)
        assert address.startswith("127.0.0.1:")


def test_addresses_refer_to_services_of_the_file() -> None:
    for service in OURS:
        environment = SERVICES[service]["environment"]
        for name, value in environment.items():
            if name.endswith(("REDIS_URL", "BOOTSTRAP_SERVERS")):
                host, _, port = value.removeprefix("redis://").split("/")[0].partition(":")
                assert host in SERVICES
                assert port == {"redis": "6379", "kafka": "9092"}[host]


def test_the_topics_are_configured_like_those_of_the_embedded_stack() -> None:
    script = SERVICES["topics"]["command"][0]
    assert dict(re.findall(r"--config (\S+)=(\S+)", script)) == topics._CONFIGURATION
    assert f"create {topics_named('EVENTS')} {topics.PARTITIONS}\n" in script


def topics_named(kind: str) -> str:
    return str(SERVICES["projector"]["environment"][f"OBZVON_{kind}_TOPIC"])


def test_durable_data_is_in_volumes() -> None:
    kafka = SERVICES["kafka"]
    mounted = {volume.partition(":")[2] for volume in kafka["volumes"]}
    assert kafka["environment"]["KAFKA_LOG_DIRS"] in mounted
    assert {v.partition(":")[0] for s in SERVICES.values() for v in s.get("volumes", [])} == set(
        COMPOSE["volumes"]
    )
