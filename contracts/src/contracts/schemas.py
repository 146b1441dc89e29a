"""JSON Schemas of the events, for publishers: written from the models, checked against them.

``python -m contracts.schemas`` writes one schema per event type and version, of the whole
CloudEvent in structured mode, to contracts/schemas. It refuses to write a change that would turn
away events of today's publishers; such a change is a new version of the type.
``--check`` writes nothing and fails if a written schema is not the one that the models give.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from contracts.events import EVENT_CLASSES

Schema = dict[str, Any]

SCHEMAS: Final = Path(__file__).parents[2] / "schemas"
"""Where they are in a working copy; an installed package has none."""

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

_SAYS_NOTHING: Final = frozenset(
    ("$comment", "$defs", "$id", "$schema", "default", "deprecated", "description", "examples")
) | {"title"}
"""Keywords that never turn an event away."""

_AT_LEAST: Final = ("minLength", "minimum", "exclusiveMinimum", "minItems", "minProperties")
_AT_MOST: Final = ("maxLength", "maximum", "exclusiveMaximum", "maxItems", "maxProperties")

_JUDGED: Final = frozenset(
    ("$ref", "additionalProperties", "anyOf", "const", "enum", "items", "properties", "required")
) | {"type", *_AT_LEAST, *_AT_MOST}


def schemas() -> dict[str, Schema]:
    """Returns the schema of every event type the code reads, by file name."""
    found = {}
    for event in EVENT_CLASSES:
        name: str = event.model_fields["type"].default
        schema = event.model_json_schema()
        # The model of one type knows its type; a reader of all of them needs to be told.
        schema["required"] = ["type", *schema["required"]]
        schema["properties"]["type"].pop("default")
        found[f"{name}.json"] = {"$schema": DIALECT, "$id": f"urn:obzvon:{name}", **schema}
    return found


def written(schema: Schema) -> str:
    """Returns the schema as its file holds it."""
    return json.dumps(schema, ensure_ascii=False, indent=2, sort_keys=True) + "\n"


def breaks(old: Schema, new: Schema) -> list[str]:
    """Returns why events that `old` allows might be turned away, or lose a field, under `new`.

    Empty if none are. A change that can't be judged counts as a break.
    """
    return list(_narrowed(old, old, new, new, "event"))


def _narrowed(old: Schema, olds: Schema, new: Schema, news: Schema, at: str) -> Iterator[str]:
    """Yield the breaks between two parts, `old` of the schema `olds` and `new` of `news`."""
    old, new = _resolved(old, olds), _resolved(new, news)
    if "anyOf" in old or "anyOf" in new:
        yield from _alternatives(old, olds, new, news, at)
        return
    yield from _values(old, new, at)
    yield from _bounds(old, new, at)
    for keyword in sorted((old.keys() | new.keys()) - _SAYS_NOTHING - _JUDGED):
        if keyword in new and old.get(keyword) != new[keyword]:
            yield f"{at}: {keyword} is {_shown(new, keyword)}, was {_shown(old, keyword)}"
        elif keyword in ("then", "else") and keyword not in new and "if" in new:
            yield f"{at}: {keyword} is gone while its if stands"
    yield from _fields(old, olds, new, news, at)
    if "items" in new:
        yield from _narrowed(old.get("items", {}), olds, new["items"], news, f"{at}[]")


def _alternatives(old: Schema, olds: Schema, new: Schema, news: Schema, at: str) -> Iterator[str]:
    """Each alternative there was must fit into one that there is."""
    for one in _of(old):
        tried = [list(_narrowed(one, olds, other, news, at)) for other in _of(new)]
        if all(tried):
            same = [why for why, other in zip(tried, _of(new), strict=True) if _alike(one, other)]
            yield from min(same or tried, key=len)


def _of(schema: Schema) -> list[Schema]:
    if "anyOf" not in schema:
        return [schema]
    around = {name: value for name, value in schema.items() if name in _JUDGED - {"anyOf"}}
    return [{**around, **one} for one in schema["anyOf"]]


def _alike(one: Schema, other: Schema) -> bool:
    """Whether they describe the same thing, so that their differences are worth reporting."""
    return one.get("$ref") == other.get("$ref") and one.get("type") == other.get("type")


def _values(old: Schema, new: Schema, at: str) -> Iterator[str]:
    if "type" in new:
        were = _listed(old["type"]) if "type" in old else ["any"]
        are = _listed(new["type"])
        for kind in were:
            if kind not in are and not (kind == "integer" and "number" in are):
                yield f"{at}: type {kind} is no longer allowed, only {', '.join(are)}"
    allowed = _enumerated(new)
    if allowed is None:
        return
    before = _enumerated(old)
    if before is None:
        yield f"{at}: only {', '.join(map(_json, allowed))} are allowed now"
        return
    for value in before:
        if value not in allowed:
            yield f"{at}: the value {_json(value)} is no longer allowed"


def _bounds(old: Schema, new: Schema, at: str) -> Iterator[str]:
    for keyword in (*_AT_LEAST, *_AT_MOST):
        if keyword not in new:
            continue
        was, bound = old.get(keyword), new[keyword]
        if was is None or (bound > was if keyword in _AT_LEAST else bound < was):
            yield f"{at}: {keyword} is {bound}, was {_shown(old, keyword)}"


def _fields(old: Schema, olds: Schema, new: Schema, news: Schema, at: str) -> Iterator[str]:
    for name in new.get("required", ()):
        if name not in old.get("required", ()):
            yield f"{at}.{name}: is required now"
    fields = new.get("properties", {})
    for name, field in old.get("properties", {}).items():
        if name not in fields:
            yield f"{at}.{name}: is gone; what publishers say there would be lost"
        else:
            yield from _narrowed(field, olds, fields[name], news, f"{at}.{name}")
    if new.get("additionalProperties", True) != old.get("additionalProperties", True):
        yield f"{at}: additionalProperties is {_shown(new, 'additionalProperties')}"


def _resolved(schema: Schema, root: Schema) -> Schema:
    """Returns the schema that a reference names; what is written alongside it counts as well."""
    while "$ref" in schema:
        alongside = {name: value for name, value in schema.items() if name != "$ref"}
        target: Any = root
        for step in schema["$ref"].removeprefix("#/").split("/"):
            target = target[step]
        schema = {**target, **alongside}
    return schema


def _enumerated(schema: Schema) -> list[Any] | None:
    return [schema["const"]] if "const" in schema else schema.get("enum")


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _shown(schema: Schema, keyword: str) -> str:
    return _json(schema[keyword]) if keyword in schema else "not limited"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def problems(committed: Mapping[str, str], generated: Mapping[str, Schema]) -> list[str]:
    """Returns what is wrong with the committed files (by name), one line each; breaks come first."""
    found = breaking_changes(committed, generated)
    for name, schema in generated.items():
        if name not in committed:
            found.append(f"{name}: is missing; `make schemas` writes it")
        elif committed[name] != written(schema):
            found.append(f"{name}: differs from contracts.events; `make schemas` writes it anew")
    return found


def breaking_changes(committed: Mapping[str, str], generated: Mapping[str, Schema]) -> list[str]:
    """Returns the changes that would break publishers, one line each."""
    found = []
    for name, text in committed.items():
        if name not in generated:
            found.append(f"{name}: the code no longer reads this event, publishers still send it")
            continue
        try:
            old = json.loads(text)
        except ValueError as error:
            found.append(f"{name}: is no JSON: {error}")
            continue
        reasons = breaks(old, generated[name])
        found += [f"{name}: breaks older publishers: {reason}" for reason in reasons]
    return found


def main(arguments: Sequence[str]) -> int:
    """Write the schemas, or check them. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m contracts.schemas", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; 1 on a difference")
    parser.add_argument("--dir", type=Path, default=SCHEMAS, help="where the schemas stand")
    given = parser.parse_args(arguments)
    folder: Path = given.dir
    if not folder.is_dir():
        sys.stderr.write(f"schemas: there is no folder {folder}; name one with --dir\n")
        return 2
    generated = schemas()
    committed = {path.name: path.read_text("utf-8") for path in sorted(folder.glob("*.json"))}
    wrong = (problems if given.check else breaking_changes)(committed, generated)
    for line in wrong:
        sys.stderr.write(f"schemas: {folder.name}/{line}\n")
    if wrong:
        return 1
    if not given.check:
        for name, schema in generated.items():
            (folder / name).write_text(written(schema), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
