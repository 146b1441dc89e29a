"""The strict build of the documents: every link and anchor leads somewhere, every file named exists."""

import os
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
from markdown_it import MarkdownIt
from markdown_it.token import Token

from support.paths import ROOT

MARKDOWN = MarkdownIt("commonmark").enable("table")
SKIPPED = re.compile(r"\.|node_modules$|dist$|build$|__pycache__$|.*\.egg-info$")
"""Folders that are not the repository's."""

README_WORDS = 1200
"""A README that is longer is not read to its end."""


def _files() -> Iterator[Path]:
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if name == ".github" or not SKIPPED.match(name)]
        yield from (Path(folder, name) for name in names)


FILES = sorted(_files())
DOCUMENTS = [path for path in FILES if path.suffix == ".md"]
NAMES = [str(path.relative_to(ROOT)) for path in DOCUMENTS]


@cache
def tokens(document: Path) -> list[Token]:
    return MARKDOWN.parse(document.read_text("utf-8"))


def inline(document: Path) -> Iterator[Token]:
    for block in tokens(document):
        yield from block.children or ()


def targets(document: Path) -> Iterator[str]:
    for token in inline(document):
        target = token.attrGet({"link_open": "href", "image": "src"}.get(token.type, ""))
        if target is not None:
            yield str(target)


@cache
def anchors(document: Path) -> set[str]:
    """Returns the names that GitHub gives the headings of a document."""
    found: dict[str, int] = {}
    names = set()
    for opening, heading in zip(tokens(document), tokens(document)[1:], strict=False):
        if opening.type == "heading_open":
            text = "".join(part.content for part in heading.children or ())
            name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
            repeats = found.get(name, 0)
            found[name] = repeats + 1
            names.add(f"{name}-{repeats}" if repeats else name)
    return names


def broken_links(document: Path) -> Iterator[str]:
    for target in targets(document):
        link = urlsplit(target)
        if link.scheme or link.netloc:
            continue
        path = (document.parent / unquote(link.path)).resolve() if link.path else document
        if not path.exists():
            yield f"{target}: there is no such file"
        elif link.fragment and unquote(link.fragment) not in anchors(path):
            yield f"{target}: the file has no such heading"


def test_the_documents_are_found() -> None:
    assert {"README.md", "docs/architecture.md", "docs/adr/README.md"} <= set(NAMES)


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_link_leads_to_a_file_and_a_heading_that_exist(document: Path) -> None:
    assert list(broken_links(document)) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_no_link_is_left_without_its_address(document: Path) -> None:
    # A reference without a definition is shown as its brackets.
    text = " ".join(token.content for token in inline(document) if token.type == "text")
    assert re.findall(r"\[[^\[\]]+\]\[[^\[\]]*\]", text) == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_file_that_is_named_exists(document: Path) -> None:
    named = {
        token.content.removeprefix("../")
        for token in inline(document)
        if token.type == "code_inline"
        and "NN" not in token.content  # stands for a number
        and re.fullmatch(r"[\w.\-]+(/[\w.\-]+)+\.(csv|json|jsonl|md|py|toml|ts|yml)", token.content)
    }
    known = [f"/{path.relative_to(ROOT)}" for path in FILES]
    assert [name for name in named if not any(path.endswith(f"/{name}") for path in known)] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=NAMES)
def test_every_module_that_is_named_exists(document: Path) -> None:
    sources = ("contracts", "runtime", "projector", "query_api", "devkit")
    known = {
        ".".join(path.with_suffix("").parts[path.parts.index("src") + 1 :]).removesuffix(
            ".__init__"
        )
        for path in FILES
        if path.suffix == ".py" and "src" in path.parts
    }
    named = {
        token.content
        for token in inline(document)
        if token.type == "code_inline"
        and re.fullmatch(rf"({'|'.join(sources)})(\.[a-z_]+)+", token.content)
    }
    assert [
        name for name in named if name not in known and name.rpartition(".")[0] not in known
    ] == []


def test_the_readme_is_short_enough_to_be_read() -> None:
    assert len((ROOT / "README.md").read_text("utf-8").split()) < README_WORDS


def test_the_index_lists_every_decision_with_its_status_and_date() -> None:
    index = ROOT / "docs/adr/README.md"
    listed = set(targets(index))
    for path in sorted(index.parent.glob("0*.md")):
        assert path.name in listed
        assert re.search(
            r"^Status: (accepted|superseded by \[ADR \d+\]\(.+\))\. Date: \d{4}-\d\d-\d\d\.$",
            path.read_text("utf-8"),
            re.MULTILINE,
        ), path.name
