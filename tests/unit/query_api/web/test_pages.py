"""The build of the pages: what it makes, keeps and costs."""

import gzip
import json
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import brotli
import pytest

from support.node import script
from support.paths import ROOT

BUILT = ROOT / "services" / "query_api" / "src" / "query_api" / "assets" / "pages"

MAX_SCRIPT = 90_000
"""Bytes of JavaScript, gzipped, that the page of the report may take."""

NEWER_THAN_CHROME_87 = (
    "AbortSignal.any(",
    "AbortSignal.timeout(",
    "URL.canParse(",
    "Object.hasOwn(",
    "Object.groupBy(",
    "Promise.withResolvers(",
    "structuredClone(",
    ".toSorted(",
    ".findLast(",
    "throwIfAborted(",
)
"""What the build does not replace: it changes syntax only."""


def build(out: Path, last: Path | None = None) -> dict[str, Any]:
    script("pages-into", str(out), *([str(last)] if last else []))
    described: dict[str, Any] = json.loads((out / "build.json").read_text())
    return described


@pytest.fixture(scope="module")
def built() -> Path:
    assert (BUILT / "build.json").is_file(), "the pages are not built: run `make setup`"
    return BUILT


def test_the_same_sources_give_the_same_build(built: Path, tmp_path: Path) -> None:
    again = build(tmp_path / "pages")
    assert again["build"] == json.loads((built / "build.json").read_text())["build"]
    assert (tmp_path / "pages" / "index.html").read_bytes() == (built / "index.html").read_bytes()


def test_files_of_the_build_before_are_kept_for_one_build(tmp_path: Path) -> None:
    last, out = tmp_path / "last", tmp_path / "pages"
    (last / "assets").mkdir(parents=True)
    for name in ("old-1.js", "old-1.js.br", "older-1.js"):
        (last / "assets" / name).write_text(name)
    before = {"build": "b0", "assets": ["old-1.js"], "kept": ["older-1.js"]}
    (last / "build.json").write_text(json.dumps(before))

    assert build(out, last)["kept"] == ["old-1.js"]
    served = {path.name for path in (out / "assets").iterdir()}
    assert {"old-1.js", "old-1.js.br"} <= served
    assert "older-1.js" not in served
    assert build(out)["kept"] == ["old-1.js"], "the same build again keeps the same files"


def test_every_file_is_there_compressed_unless_that_would_be_longer(built: Path) -> None:
    described = json.loads((built / "build.json").read_text())
    files = [built / "index.html", *(built / "assets" / name for name in described["assets"])]
    for file in files:
        content = file.read_bytes()
        for ending, decode in ((".br", brotli.decompress), (".gz", gzip.decompress)):
            coded = file.with_name(file.name + ending)
            assert coded.is_file() or len(content) < 1_000, file
            if coded.is_file():
                assert decode(coded.read_bytes()) == content
                assert coded.stat().st_size < len(content)


def test_page_names_its_build_and_nothing_inline_or_elsewhere(built: Path) -> None:
    page = (built / "index.html").read_text()
    assert json.loads((built / "build.json").read_text())["build"] in page
    assert not re.search(r"<style|\son\w+=|\sstyle=|<script[^>]*>[^<]", page)
    addresses = re.findall(r"(?:src|href)=\"([^\"]+)\"", page)
    assert addresses
    assert all(re.fullmatch(r"/assets/[\w.-]+", address) for address in addresses)


def test_page_stays_small(built: Path) -> None:
    described = json.loads((built / "build.json").read_text())
    scripts = [name for name in described["assets"] if name.endswith(".js")]
    size = sum((built / "assets" / f"{name}.gz").stat().st_size for name in scripts)
    assert 0 < size <= MAX_SCRIPT


def test_scripts_call_nothing_that_old_televisions_lack(built: Path) -> None:
    for name in json.loads((built / "build.json").read_text())["assets"]:
        if name.endswith(".js"):
            text = (built / "assets" / name).read_text()
            assert not [call for call in NEWER_THAN_CHROME_87 if call in text], name


def test_wheel_contains_the_built_pages(built: Path, tmp_path: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT / "services" / "query_api",
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        names = {name.removeprefix("query_api/assets/pages/") for name in files.namelist()}
    described = json.loads((built / "build.json").read_text())
    assert {"index.html", "build.json"} <= names
    for name in described["assets"]:
        assert f"assets/{name}" in names
