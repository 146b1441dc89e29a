"""What the OpenAPI says about access: the schemes, and which of them each operation accepts."""

from collections.abc import Callable, Iterator
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from contracts.report import Problem
from query_api.auth.access import Access
from query_api.auth.guard import require_report, require_rows

_BEARER: Final = "bearer"
_SESSION: Final = "session"
_KEY: Final = "wallboardKey"
_WALLBOARD: Final = "wallboard"

_SCHEMES_OF: Final[dict[Callable[..., Any], tuple[str, ...]]] = {
    require_report: (_BEARER, _SESSION, _KEY, _WALLBOARD),
    require_rows: (_BEARER, _SESSION),
}


def describe_access(app: FastAPI, access: Access) -> None:
    """Add the security schemes to the app's OpenAPI; any one that an operation lists is enough."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        schema = plain()
        components = schema.setdefault("components", {})
        components["securitySchemes"] = _schemes(access)
        components.setdefault("schemas", {}).setdefault(
            "Problem", _problem_schema(components.setdefault("schemas", {}))
        )
        for path, method, names in _guarded_operations(app):
            operation = schema["paths"].get(path, {}).get(method)
            if operation is not None:
                operation["security"] = [{name: []} for name in names]
        return schema

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _schemes(access: Access) -> dict[str, Any]:
    return {
        _BEARER: {
            "type": "http",
            "scheme": "bearer",
            "bearerFormat": "JWT",
            "description": "An access token of the issuer, for the role head or quality_control",
        },
        _SESSION: {
            "type": "apiKey",
            "in": "cookie",
            "name": access.session_cookie,
            "description": "A browser's session, begun at /login",
        },
        _KEY: {
            "type": "apiKey",
            "in": "header",
            "name": "Authorization",
            "description": "A wallboard key, as `Key obzkey_…`: figures only",
        },
        _WALLBOARD: {
            "type": "apiKey",
            "in": "cookie",
            "name": access.wallboard_cookie,
            "description": "What a wallboard key was exchanged for: figures only",
        },
    }


def _problem_schema(schemas: dict[str, Any]) -> dict[str, Any]:
    """Returns the schema of errors; the schemas it refers to are added to `schemas`."""
    schema = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    for name, inner in schema.pop("$defs", {}).items():
        schemas.setdefault(name, inner)
    return schema


def _guarded_operations(app: FastAPI) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yields (path, method, schemes) of every operation that has a guard."""
    for route in iter_route_contexts(app.routes):
        dependant = getattr(route, "dependant", None)
        if dependant is None:
            continue
        for guard, names in _SCHEMES_OF.items():
            if _calls(dependant, guard):
                for method in route.methods or ():
                    yield str(route.path_format), method.lower(), names


def _calls(dependant: Dependant, guard: Callable[..., Any]) -> bool:
    return any(inner.call is guard or _calls(inner, guard) for inner in dependant.dependencies)
