"""The OpenAPI document, completed with what FastAPI can't say of a route."""

from typing import Any

from fastapi import FastAPI

from contracts.report import StreamEvents
from query_api.http.openapi.examples import BY_CALL


def complete_openapi(app: FastAPI) -> None:
    """Add the examples and the events of /stream to the app's OpenAPI.

    FastAPI itself would leave out the nulls of examples, and knows no schema within a stream.
    """
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        for (method, path), example in BY_CALL.items():
            answer = document["paths"][path][method]["responses"]["200"]
            answer["content"]["application/json"]["example"] = example
        schemas = document["components"]["schemas"]
        events = StreamEvents.model_json_schema(
            ref_template="#/components/schemas/{model}", mode="serialization"
        )
        for name, schema in (*events.pop("$defs").items(), (StreamEvents.__name__, events)):
            schemas.setdefault(name, schema)
        return document

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way to extend it
