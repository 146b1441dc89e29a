"""What a checkout says of itself: schemas, settings, metrics, routes, and names in its source."""

import ast
import json
import re
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from surface.checkout import Checkout

LOG_METHODS = frozenset({"debug", "info", "warning", "error", "exception", "critical"})

_EVERYTHING = """
import importlib, json, pkgutil, sys
for name in {packages}:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, name + "."):
        if not found.name.endswith("__main__"):
            importlib.import_module(found.name)
"""

_METRICS = (
    _EVERYTHING
    + """
from prometheus_client import REGISTRY
found = {{}}
for metric in set(REGISTRY._collector_to_names):
    if hasattr(metric, "_labelnames"):
        found[metric._name] = {{
            "type": metric._type,
            "help": metric._documentation,
            "labels": list(metric._labelnames),
            "buckets": [str(bound) for bound in getattr(metric, "_upper_bounds", ())]
            or [str(bound) for bound in metric._kwargs.get("buckets", ())],
        }}
print(json.dumps(found))
"""
)

_SETTINGS = """
import json
from {module} import Settings
schema = Settings.model_json_schema()
schema.pop("description", None)
print(json.dumps({{"prefix": Settings.model_config["env_prefix"], **schema}}))
"""

_ROUTES = """
import json
from query_api.main import create_app
from query_api.settings import Settings
more = {more}
app = create_app(Settings(redis_url="redis://redis.example", oidc_issuer="https://i.example", **more))
from fastapi.routing import iter_route_contexts
print(json.dumps([[r.path, sorted(getattr(r, "methods", None) or ())]
    for r in iter_route_contexts(app.routes)]))
"""

_LOGIN = {
    "oidc_client_id": "web",
    "public_url": "https://obzvon.example",
    "access_redis_url": "redis://access.example",
}


def describe(checkout: Checkout) -> Iterator[tuple[str, str]]:
    """(file name, text) of everything that needs no running engine."""
    yield "openapi.json", checkout.printed("python", "-m", "query_api", "openapi")
    yield "asyncapi.json", checkout.printed("python", "-m", "contracts.asyncapi")
    yield from _schemas(checkout)
    for service in ("projector", "query_api"):
        settings = checkout.asked(_SETTINGS.format(module=f"{service}.settings"))
        yield from _words_apart(f"settings-{service}.json", _defined_settings(settings))
        metrics = checkout.asked(_METRICS.format(packages=[service]))
        yield from _words_apart(f"metrics-{service}.json", metrics)
    for name, more in (("plain", {}), ("login", _LOGIN)):
        routes = checkout.asked(_ROUTES.format(more=repr(more)))
        yield f"routes-{name}.json", _json(sorted(routes))
    yield "source-names.json", _json(_names_in_source(checkout))


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=1, sort_keys=True) + "\n"


def _words_apart(file: str, found: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """The definitions, and in a file of their own the sentences that explain them."""
    words = {
        name: what.pop(key)
        for name, what in found.items()
        if isinstance(what, dict)
        for key in ("description", "help")
        if key in what
    }
    yield file, _json(found)
    yield f"words-{file}", _json(words)


def _schemas(checkout: Checkout) -> Iterator[tuple[str, str]]:
    with TemporaryDirectory() as folder:
        checkout.printed("python", "-m", "contracts.schemas", "--dir", folder)
        for path in sorted(Path(folder).iterdir()):
            yield f"schema-{path.name}", path.read_text("utf-8")


def _defined_settings(schema: dict[str, Any]) -> dict[str, Any]:
    """Each variable's schema with its default, and which ones must be given."""
    prefix = schema["prefix"]
    return {
        "required": sorted(prefix + name.upper() for name in schema.get("required", ())),
        **{prefix + name.upper(): value for name, value in schema["properties"].items()},
    }


def _names_in_source(checkout: Checkout) -> dict[str, Any]:
    """Names by which others search or set something, as literals in the source, by member.

    A name that is put together at run time is not found here; the run on engines shows some.
    """
    found: dict[str, dict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
    for path in checkout.sources():
        tree = ast.parse(path.read_text("utf-8"))
        member = _member(checkout, path)
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                for name in re.findall(r"\bOBZVON_[A-Z_]+\b", node.value):
                    found["environment"][member].add(name)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                kind = _kind(node.func.attr)
                if kind and node.args and (said := _literals(node.args[0])):
                    keywords = sorted(k.arg for k in node.keywords if k.arg)
                    for text in said:
                        full = f"{node.func.attr} {text} {' '.join(keywords)}".strip()
                        found[kind][member].add(full if kind == "log" else text)
    return {
        kind: {member: sorted(names) for member, names in by_member.items()}
        for kind, by_member in found.items()
    }


def _member(checkout: Checkout, path: Path) -> str:
    """The package whose module it is; what both services use is `shared`, wherever it is kept."""
    parts = path.relative_to(checkout.path).parts
    name = parts[parts.index("src") + 1] if "src" in parts else parts[0]
    return "shared" if name in ("contracts", "runtime") else name


def _kind(method: str) -> str | None:
    if method in LOG_METHODS:
        return "log"
    if method in ("labels", "set_attribute") or "span" in method:
        return method
    return None


def _literals(node: ast.expr) -> list[str]:
    """The texts an argument may be: a literal, or either side of a conditional."""
    match node:
        case ast.Constant(value=str() as text):
            return [text]
        case ast.IfExp(body=body, orelse=orelse):
            return [*_literals(body), *_literals(orelse)]
        case _:
            return []
