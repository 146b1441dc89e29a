"""The build of the page that is in the package, if there is one."""

from pathlib import Path

import pytest

from query_api.page_build import page_build


def test_without_a_built_page_there_is_no_build(tmp_path: Path) -> None:
    assert page_build(tmp_path) is None
    assert page_build(tmp_path / "absent") is None


def test_the_build_is_what_the_page_s_build_wrote(tmp_path: Path) -> None:
    (tmp_path / "build.json").write_text('{"build": "3f2a9c0d", "at": "2026-11-25"}')

    assert page_build(tmp_path) == "3f2a9c0d"


@pytest.mark.parametrize(
    "text", ["", "[]", '{"build": ""}', '{"build": "a\\r\\nSet-Cookie: x"}', "{}"]
)
def test_a_build_that_could_not_be_a_header_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "build.json").write_text(text)

    assert page_build(tmp_path) is None
