"""Everything in a Redis as text, with what is random or of this moment replaced by its name."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

import redis

Dump = dict[str, Any]
"""Key → its text, or for a hash its fields; both in order."""

_META = {
    "epoch": (re.compile(r"(\d+)-[0-9a-f]{16}"), r"\1-<random>"),
    "nonce": (re.compile(r"[0-9a-f]{16}"), "<random>"),
    "seq": (re.compile(r"\d+"), "<seq>"),
    "as_of": (re.compile(r"\d{13}"), "<milliseconds>"),
    "horizon": (re.compile(r"\d{4}-\d\d-\d\d"), "<date>"),
}
"""How many writes there were depends on how records came in batches, and on freshness, which is
written every second; the horizon is counted from today."""

_SINCE = re.compile(r'"since":\d+\.\d+')


def dump(url: str, names: Mapping[str, str] | None = None) -> Dump:
    """Every key of the database.

    `names` replaces texts of this run alone, like a random topic name, by names.
    """
    with redis.Redis.from_url(url, decode_responses=True) as client:
        found = {key: _value(client, key) for key in sorted(client.scan_iter(count=1_000))}
    return {key: _normalised(key, value, names or {}) for key, value in found.items()}


def _value(client: redis.Redis, key: str) -> Any:
    match client.type(key):
        case "hash":
            return dict(sorted(client.hgetall(key).items()))
        case "string":
            return client.get(key)
        case other:
            return f"<a {other!s}>"


def _normalised(key: str, value: Any, names: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return _renamed(value, names)
    fields = {field: _renamed(text, names) for field, text in value.items()}
    if key.endswith("}:meta"):
        return {field: _of_meta(field, text) for field, text in fields.items()}
    if key.endswith("}:seqs"):
        return {field: re.sub(r"^\d+$", "<seq>", text) for field, text in fields.items()}
    if key == "obzvon:generations":
        return {field: _SINCE.sub('"since":<seconds>', text) for field, text in fields.items()}
    return fields


def _renamed(text: str, names: Mapping[str, str]) -> str:
    for found, name in names.items():
        text = text.replace(found, name)
    return text


def _of_meta(field: str, text: str) -> str:
    if field not in _META:
        return text
    pattern, name = _META[field]
    return pattern.sub(name, text) if pattern.fullmatch(text) else text


def lines(found: Dump) -> Iterator[str]:
    """The dump as lines, one a field, which a diff can show."""
    for key, value in found.items():
        if isinstance(value, dict):
            yield from (f"{key}\t{field}\t{text}" for field, text in value.items())
        else:
            yield f"{key}\t\t{value}"
