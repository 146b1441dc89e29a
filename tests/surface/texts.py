"""Texts of two checkouts, made comparable."""

import re
from typing import Any

_TIMES = (
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+(\+\d\d:\d\d|Z)"), "<moment>"),
    (re.compile(r"^(Данные на;).*?( \()", re.MULTILINE), r"\1<moment>\2"),
    (re.compile(r"127\.0\.0\.1(:|%3A)\d+"), "<address>"),
    (re.compile(r'W/"[0-9a-f]+"'), "<etag>"),
    (re.compile(r"^id: .*$", re.MULTILINE), "id: <id>"),
    (re.compile(r"\b\d+(\.\d+)? s\b"), "<seconds> s"),
    (re.compile(r"\b\d+ records to go"), "<number> records to go"),
    (re.compile(r"obzkey_[\w-]+"), "<key>"),
    (re.compile(r"\b[0-9a-f]{8}\b"), "<id>"),
    (re.compile(r"(?<==)[\w-]{43}\b"), "<random>"),
    (re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d(:\d\d)?"), "<minute>"),
)


def lines(found: Any) -> str:
    return "".join(f"{line}\n" for line in found)


def sorted_lines(text: str) -> str:
    """With lines in order, since shards are done in any."""
    return "".join(sorted(text.splitlines(keepends=True)))


def without_moments(text: str) -> str:
    """With a name in place of what no two runs have in common."""
    for pattern, name in _TIMES:
        text = pattern.sub(name, text)
    return text
