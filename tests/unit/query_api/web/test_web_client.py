"""The TypeScript client by itself: its types, tests, lock and size."""

import json
import re
from pathlib import Path

from support.node import WEB, script

MAX_GZIPPED = 9_000
"""Bytes that the client may add to a page."""


def test_generated_types_match_the_committed_openapi() -> None:
    checked = script("generate", "--check", check=False)

    assert checked.returncode == 0, f"run `make client`: {checked.stdout}"


def test_types_that_are_out_of_date_are_noticed(tmp_path: Path) -> None:
    old = tmp_path / "schema.ts"
    old.write_text((WEB / "src" / "schema.ts").read_text().replace("stale_reason", "reason"))

    assert script("generate", "--check", "--output", str(old), check=False).returncode != 0


def test_unit_tests_of_the_client_pass() -> None:
    said = script("test").stdout

    assert re.search(r"^ℹ pass [1-9]\d+$", said, re.MULTILINE), said
    assert re.search(r"^ℹ fail 0$", said, re.MULTILINE), said


def test_the_client_stays_small() -> None:
    assert json.loads(script("size").stdout)["gzipped"] <= MAX_GZIPPED


def test_only_two_packages_come_with_the_client() -> None:
    package = json.loads((WEB / "package.json").read_text())

    assert package["dependencies"].keys() == {"openapi-fetch", "eventsource-parser"}
    for version in (package["dependencies"] | package["devDependencies"]).values():
        assert re.fullmatch(r"[0-9.]+", version), "give exact versions"


def test_the_lock_holds_the_content_of_every_package_and_no_address() -> None:
    packages = json.loads((WEB / "package-lock.json").read_text())["packages"]

    for name, package in packages.items():
        assert "resolved" not in package, name
        if name:
            assert package["integrity"].startswith("sha512-"), name
