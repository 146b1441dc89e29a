"""The events as an AsyncAPI 3 document: ``python -m contracts.asyncapi`` prints it.

Generated from the models, so that it cannot drift; contracts/asyncapi.json is a committed copy,
which a test holds against the code.
"""

import json
import sys
from pathlib import Path
from typing import Any, Final

from contracts.events import EVENT_CLASSES, MAX_VALUE_BYTES, STRUCTURED_CONTENT_TYPE
from contracts.schemas import schemas

COMMITTED: Final = Path(__file__).parents[2] / "asyncapi.json"

EXAMPLES: Final = Path(__file__).parents[2] / "examples"

CHANNEL: Final = "taskEvents"

TRACE_HEADERS: Final[dict[str, Any]] = {
    "type": "object",
    "properties": {
        "traceparent": {
            "type": "string",
            "description": "W3C trace context of whoever publishes: the traces of the report lead "
            "back to it. It may stand in the event as well, as CloudEvents' extension attribute of "
            "that name. Malformed, it is ignored",
            "examples": ["00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"],
        },
        "tracestate": {"type": "string", "description": "W3C trace state, beside traceparent"},
    },
}
"""Optional headers of every record."""


def document() -> dict[str, Any]:
    """The document: one channel, one message per event type, keyed by the task's id."""
    messages = {name.removesuffix(".json"): schema for name, schema in schemas().items()}
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Obzvon: task events",
            "version": "1",
            "description": "What other services publish about call-out tasks, as CloudEvents 1.0. "
            "Unknown fields are ignored; a repeat of (source, id) changes nothing.",
        },
        "defaultContentType": STRUCTURED_CONTENT_TYPE,
        "channels": {
            CHANNEL: {
                "address": "task-events",
                "description": f"Values of up to {MAX_VALUE_BYTES} bytes; what is no event goes to "
                "task-events.dlq. The topic's name is the setting OBZVON_EVENTS_TOPIC.",
                "messages": {name: {"$ref": f"#/components/messages/{name}"} for name in messages},
                "bindings": {"kafka": {"topic": "task-events", "partitions": 8}},
            }
        },
        "operations": {
            "project": {
                "action": "receive",
                "channel": {"$ref": f"#/channels/{CHANNEL}"},
                "summary": "The projector folds the events into the report.",
            }
        },
        "components": {"messages": {n: _message(n, schema) for n, schema in messages.items()}},
    }


def _message(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    (event,) = (c for c in EVENT_CLASSES if c.model_fields["type"].default == name)
    data = event.model_fields["data"].annotation
    return {
        "name": name,
        "contentType": STRUCTURED_CONTENT_TYPE,
        "summary": (getattr(data, "__doc__", None) or "").strip().partition("\n")[0],
        "headers": TRACE_HEADERS,
        "payload": {
            "schemaFormat": "application/schema+json;version=draft-2020-12",
            "schema": schema,
        },
        "bindings": {"kafka": {"key": {"type": "string", "description": "the subject"}}},
        "examples": [{"payload": json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))}],
    }


def written() -> str:
    """The document as its file holds it."""
    return json.dumps(document(), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


if __name__ == "__main__":
    sys.stdout.write(written())
