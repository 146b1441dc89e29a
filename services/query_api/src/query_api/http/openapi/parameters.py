"""Query parameters as the OpenAPI describes them."""

from typing import Any, Final

from pydantic import BaseModel

IF_NONE_MATCH: Final[dict[str, Any]] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "ETags of reports the caller has",
    "schema": {"type": "string"},
}


def documented(model: type[BaseModel]) -> list[dict[str, Any]]:
    """Returns the OpenAPI parameters of a model."""
    # Enumerations are components already, because rows have them.
    template = "#/components/schemas/{model}"
    properties = model.model_json_schema(ref_template=template)["properties"]
    parameters = []
    for name, schema in properties.items():
        described = {k: v for k, v in schema.items() if k not in ("title", "default", "anyOf")}
        text = described.pop("description", "")
        kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
        if kinds:
            described |= kinds[0] if len(kinds) == 1 else {"anyOf": kinds}
        if schema.get("default") is not None:
            described["default"] = schema["default"]
        parameters.append({"name": name, "in": "query", "description": text, "schema": described})
    return parameters
