"""The release has one number, wherever it is written."""

import json
import re
import tomllib
from contextlib import nullcontext
from importlib.metadata import version

import httpx
import pytest
from typer.testing import CliRunner

from devkit.cli.app import cli
from projector.health import health_app
from runtime.version import VERSION
from support.paths import ROOT

MEMBERS = ("contracts", "runtime", "devkit", "services/projector", "services/query_api")


@pytest.mark.parametrize("member", MEMBERS)
def test_every_member_has_the_version_and_the_licence(member: str) -> None:
    project = tomllib.loads((ROOT / member / "pyproject.toml").read_text())["project"]
    assert project["version"] == VERSION == version(project["name"])
    assert project["license"] == "Apache-2.0"
    assert (ROOT / member / "LICENSE").read_text() == (ROOT / "LICENSE").read_text()


def test_the_typescript_client_has_the_version() -> None:
    package = json.loads((ROOT / "services/query_api/web/package.json").read_text())
    assert package["version"] == VERSION


def test_the_changelog_says_when_the_version_was_released() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text("utf-8")
    assert re.search(rf"^## \[{re.escape(VERSION)}\] - \d{{4}}-\d\d-\d\d$", changelog, re.MULTILINE)


def test_the_command_prints_the_version() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0
    assert result.output == f"obzvon {VERSION}\n"


@pytest.mark.parametrize(
    ("missing", "status"),
    [({}, 200), ({"status": "joining the consumer group"}, 503)],
    ids=["ready", "not-ready"],
)
async def test_the_projectors_readiness_names_the_version(
    missing: dict[str, str], status: int
) -> None:
    app = health_app(nullcontext(), lambda: missing)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://projector"
    ) as client:
        response = await client.get("/readyz")
    assert response.status_code == status
    assert response.json()["version"] == VERSION
