"""Responses and headers as the OpenAPI describes them."""

from typing import Any, Final

FRESHNESS_HEADERS: Final[dict[str, Any]] = {
    "Obzvon-As-Of": {
        "description": "`as_of` of the report; empty if it is not known",
        "schema": {"type": "string"},
        "example": "2026-11-24T14:59:59.870+03:00",
    },
    "Obzvon-Lag-Events": {
        "description": "`lag_events` of the report; empty while it is stale",
        "schema": {"type": "string"},
        "example": "0",
    },
}

ETAG_HEADER: Final[dict[str, Any]] = {
    "ETag": {
        "description": "Of the figures: it stays while only the freshness moves",
        "schema": {"type": "string"},
        "example": 'W/"642737006c203667c48a96d66171b3"',
    }
}


def json_answer(description: str) -> dict[str, Any]:
    """A 200 for `responses=`: FastAPI adds the schema, `complete_openapi` the example."""
    return {"description": description, "headers": FRESHNESS_HEADERS}


def figures_answer(description: str) -> dict[str, Any]:
    """A 200 for `responses=` of a route whose figures have an ETag."""
    return {"description": description, "headers": {**ETAG_HEADER, **FRESHNESS_HEADERS}}


NOT_MODIFIED: Final[dict[str, Any]] = {
    "description": "The figures are those of the ETag in If-None-Match",
    "headers": {**ETAG_HEADER, **FRESHNESS_HEADERS},
}


CSV: Final = "text/csv; charset=utf-8"
XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def csv_answer(description: str, example: str) -> dict[str, Any]:
    """A 200 with CSV for `responses=`."""
    content = {CSV: {"schema": {"type": "string"}, "example": example}}
    return {"description": description, "content": content, "headers": FRESHNESS_HEADERS}


def xlsx_answer(description: str) -> dict[str, Any]:
    """A 200 with an Excel file for `responses=`."""
    content = {XLSX: {"schema": {"type": "string", "format": "binary"}}}
    return {"description": description, "content": content, "headers": FRESHNESS_HEADERS}
