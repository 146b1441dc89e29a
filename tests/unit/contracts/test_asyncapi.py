"""The AsyncAPI document describes what the code reads."""

import json

from jsonschema import Draft202012Validator

from contracts.asyncapi import COMMITTED, document, written
from contracts.events import EVENT_TYPES


def test_committed_document_matches_the_code() -> None:
    fresh = "run: python -m contracts.asyncapi > contracts/asyncapi.json"
    assert COMMITTED.read_text("utf-8") == written(), fresh


def test_every_event_type_is_a_message_whose_example_fits_its_schema() -> None:
    messages = document()["components"]["messages"]
    assert set(messages) == set(EVENT_TYPES)
    for message in messages.values():
        validator = Draft202012Validator(message["payload"]["schema"])
        for example in message["examples"]:
            validator.validate(example["payload"])


def test_every_reference_can_be_resolved() -> None:
    whole = document()

    def references(value: object) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if isinstance(value.get("$ref"), str) else []
            return own + [
                ref for key, part in value.items() if key != "payload" for ref in references(part)
            ]
        return (
            [ref for part in value for ref in references(part)] if isinstance(value, list) else []
        )

    found = references(json.loads(json.dumps(whole)))
    assert found
    for reference in found:
        at: object = whole
        for step in reference.removeprefix("#/").split("/"):
            assert isinstance(at, dict)
            at = at[step]
