"""The tests that pages of docs name as their proof: each exists under that name."""

import re
from pathlib import Path

import pytest

from support.paths import ROOT

PAGES = sorted((ROOT / "docs").rglob("*.md"))
DEFINED = {
    name
    for path in (ROOT / "tests").rglob("*.py")
    for name in re.findall(r"^ *(?:async )?def (test_\w+)", path.read_text(), re.MULTILINE)
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_test_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"`(test_\w+)`", page.read_text()))
    assert not {name for name in named if not list((ROOT / "tests").rglob(f"{name}.py"))} - DEFINED
