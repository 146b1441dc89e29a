"""The OpenAPI document is committed, complete, and has valid examples."""

import json
import os
import re
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from query_api.__main__ import openapi
from support.paths import ROOT

SNAPSHOT = ROOT / "services" / "query_api" / "openapi.json"

BODILESS = {"304"}


@pytest.fixture(scope="module")
def document() -> Any:
    for name in [name for name in os.environ if name.startswith("OBZVON_")]:
        del os.environ[name]
    return json.loads(openapi())


def operations(document: Any) -> Iterator[tuple[str, Any]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_committed_openapi_matches_the_code(document: Any) -> None:
    committed = json.loads(SNAPSHOT.read_text())

    assert document == committed, (
        "the API has changed: if that is meant, and breaks no one, run "
        "`python -m query_api openapi > services/query_api/openapi.json`"
    )


def test_every_answer_has_an_example_that_fits_its_schema(document: Any) -> None:
    for name, operation in operations(document):
        for status, answer in operation["responses"].items():
            if status in BODILESS or "content" not in answer:
                continue
            for media_type, content in answer["content"].items():
                if content.get("schema", {}).get("format") == "binary":
                    continue
                where = f"{name} {status} {media_type}"
                examples = [content["example"]] if "example" in content else []
                examples += [one["value"] for one in content.get("examples", {}).values()]
                assert examples, where
                schema = {**content["schema"], "components": document["components"]}
                for example in examples:
                    errors = list(Draft202012Validator(schema).iter_errors(example))
                    assert not errors, (where, errors[0].message)


def test_every_route_documents_its_refusals(document: Any) -> None:
    for name, operation in operations(document):
        if "/api/v1/" in name:
            assert {"401", "403", "422", "429", "503"} <= operation["responses"].keys(), name
            assert operation["security"], name


def test_every_reference_of_the_openapi_can_be_resolved(document: Any) -> None:
    for reference in re.findall(r'"\$ref": "([^"]+)"', json.dumps(document)):
        at = document
        for part in reference.removeprefix("#/").split("/"):
            assert part in at, reference
            at = at[part]


def test_documentation_page_loads_nothing_from_other_sites() -> None:
    folder = files("query_api") / "assets" / "swagger_ui"
    page = (folder / "index.html").read_text() + (folder / "start.js").read_text()

    assert "//" not in page.replace("// A file of its own", "")
    for name in re.findall(r'(?:src|href)="/docs/([^"]+)"', page):
        assert (folder / name).is_file(), name
    assert "url(http" not in (folder / "swagger-ui.css").read_text()
