"""The schemas for publishers match the code and the examples, and breaking changes are noticed."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from pydantic import ValidationError

from contracts.events import EVENT_ADAPTER, EVENT_TYPES
from contracts.schemas import SCHEMAS, breaks, main, schemas, written
from support.golden import GOLDEN

EXAMPLES = SCHEMAS.parent / "examples"
DAYS = GOLDEN / "days" / "events.jsonl"

OLD: dict[str, Any] = {
    "type": "object",
    "required": ["id", "reason"],
    "properties": {
        "id": {"type": "string", "minLength": 1, "maxLength": 128},
        "reason": {"$ref": "#/$defs/Reason"},
        "comment": {"anyOf": [{"type": "string", "maxLength": 2000}, {"type": "null"}]},
        "day": {"type": "string", "format": "date", "pattern": "^[0-9-]+$"},
        "length": {"type": "number", "minimum": 0, "maximum": 86400},
        "tags": {"type": "array", "items": {"type": "string"}, "maxItems": 10},
    },
    "$defs": {"Reason": {"type": "string", "enum": ["refused", "no_contact"]}},
}


def with_field(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {**OLD, "properties": {**OLD["properties"], name: schema}}


def without_field(name: str) -> dict[str, Any]:
    return {**OLD, "properties": {n: s for n, s in OLD["properties"].items() if n != name}}


def with_reasons(*reasons: str) -> dict[str, Any]:
    return {**OLD, "$defs": {"Reason": {"type": "string", "enum": list(reasons)}}}


@pytest.mark.parametrize(
    ("new", "reason"),
    [
        ({**OLD, "required": ["id", "reason", "day"]}, "event.day: is required now"),
        (without_field("id"), "event.id: is gone"),
        (without_field("comment"), "event.comment: is gone"),
        (with_reasons("refused"), 'event.reason: the value "no_contact" is no longer allowed'),
        (with_field("id", {"const": "one"}), 'event.id: only "one" are allowed now'),
        (with_field("id", {"type": "integer"}), "event.id: type string is no longer allowed"),
        (with_field("length", {"type": "integer"}), "type number is no longer allowed"),
        (
            with_field("comment", {"type": "string", "maxLength": 2000}),
            "event.comment: type null is no longer allowed",
        ),
        (
            with_field(
                "comment", {"anyOf": [{"type": "string", "maxLength": 9}, {"type": "null"}]}
            ),
            "event.comment: maxLength is 9, was 2000",
        ),
        (with_field("id", {"type": "string", "minLength": 2}), "minLength is 2, was 1"),
        (with_field("id", {"type": "string", "maxLength": 64}), "maxLength is 64, was 128"),
        (with_field("length", {"type": "number", "minimum": 1}), "minimum is 1, was 0"),
        (with_field("length", {"type": "number", "maximum": 60}), "maximum is 60, was 86400"),
        (with_field("length", {"type": "number", "exclusiveMinimum": 0}), "was not limited"),
        (with_field("day", {"type": "string", "pattern": "^2"}), 'pattern is "^2"'),
        (with_field("id", {"type": "string", "pattern": "^2"}), "was not limited"),
        (with_field("day", {"type": "string", "format": "date-time"}), 'format is "date-time"'),
        (with_field("tags", {"type": "array", "items": {"type": "number"}}), "event.tags[]: type"),
        (with_field("tags", {"type": "array", "maxItems": 1}), "maxItems is 1, was 10"),
        ({**OLD, "additionalProperties": False}, "additionalProperties is false"),
        ({**OLD, "not": {"required": ["day"]}}, "event: not is"),
        ({**OLD, "then": {"required": ["day"]}, "if": {}}, "event: then is"),
    ],
)
def test_change_that_rejects_older_events_is_named(new: dict[str, Any], reason: str) -> None:
    assert any(reason in found for found in breaks(OLD, new)), breaks(OLD, new)


@pytest.mark.parametrize(
    "new",
    [
        OLD,
        with_field("note", {"type": "string"}),
        {**OLD, "required": ["id"]},
        with_reasons("refused", "no_contact", "moved"),
        with_field("id", {"type": "string", "minLength": 1, "maxLength": 256}),
        with_field("id", {"type": ["string", "null"]}),
        with_field("day", {"type": "string"}),
        with_field("length", {"anyOf": [{"type": "number"}, {"type": "null"}]}),
        {**OLD, "title": "Another", "description": "said differently"},
    ],
)
def test_change_that_only_adds_or_widens_is_compatible(new: dict[str, Any]) -> None:
    assert breaks(OLD, new) == []


def test_condition_that_loses_an_alternative_is_named() -> None:
    conditional = {"if": {"required": ["day"]}, "then": {"required": ["id"]}, "else": {}}
    without_then = {name: value for name, value in conditional.items() if name != "then"}
    assert breaks(conditional, without_then) == ["event: then is gone while its if stands"]


def test_an_integer_may_become_any_number() -> None:
    assert breaks({"type": "integer"}, {"type": "number"}) == []


def test_committed_schemas_match_the_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check"]) == 0, capsys.readouterr().err


def test_a_committed_schema_that_differs_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dir", str(tmp_path)]) == 0
    path = tmp_path / "task-called.v1.json"
    path.write_text(path.read_text("utf-8").replace("A call was made", "A call is made"), "utf-8")

    assert main(["--check", "--dir", str(tmp_path)]) == 1
    said = capsys.readouterr().err
    assert "task-called.v1.json: differs from contracts.events" in said
    assert "breaks" not in said


def test_a_missing_schema_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--check", "--dir", str(tmp_path)]) == 1
    assert "task-failed.v1.json: is missing" in capsys.readouterr().err


def test_breaking_change_is_rejected_and_not_written(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    wider = schemas()["task-failed.v1.json"]
    wider["$defs"]["Reason"]["enum"].append("moved")
    path = tmp_path / "task-failed.v1.json"
    path.write_text(written(wider), "utf-8")

    for arguments in (["--check"], []):
        assert main([*arguments, "--dir", str(tmp_path)]) == 1
        assert (
            "task-failed.v1.json: breaks older publishers: event.data.reason: "
            'the value "moved" is no longer allowed' in capsys.readouterr().err
        )
    assert json.loads(path.read_text("utf-8")) == wider


def test_an_event_type_that_the_code_forgot_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "task-merged.v1.json").write_text("{}")
    assert main(["--dir", str(tmp_path)]) == 1
    assert "task-merged.v1.json: the code no longer reads this event" in capsys.readouterr().err


def test_missing_folder_is_reported_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--dir", str(tmp_path / "none")]) == 2
    assert "there is no folder" in capsys.readouterr().err


@pytest.fixture(params=EVENT_TYPES)
def event_type(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def validator(event_type: str) -> Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{event_type}.json").read_text("utf-8"))
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


@pytest.fixture
def example(event_type: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((EXAMPLES / f"{event_type}.json").read_text("utf-8"))
    return event


def test_each_example_fits_its_schema_and_the_code(
    event_type: str, example: dict[str, Any], validator: Draft202012Validator
) -> None:
    validator.validate(example)
    assert EVENT_ADAPTER.validate_json(json.dumps(example)).type == event_type


def test_the_schema_refuses_what_the_code_refuses(
    example: dict[str, Any], validator: Draft202012Validator
) -> None:
    spoilt = [{**example, name: None} for name in ("id", "time", "subject", "source", "type")]
    spoilt += [{n: v for n, v in example.items() if n != name} for name in ("type", "data", "id")]
    spoilt += [{**example, "time": "2026-03-03 без часов"}, {**example, "id": "x" * 129}]
    for event in spoilt:
        assert not validator.is_valid(event)
        with pytest.raises(ValidationError):
            EVENT_ADAPTER.validate_json(json.dumps(event))


@pytest.mark.parametrize(
    ("outcome", "order", "is_good"),
    [
        ("ordered", {"id": "o", "number": "1"}, True),
        ("ordered", None, False),
        ("refused", {"id": "o", "number": "1"}, False),
        ("refused", None, True),
    ],
)
def test_call_has_an_order_exactly_if_its_outcome_is_ordered(
    outcome: str, order: dict[str, str] | None, is_good: bool
) -> None:
    event = json.loads((EXAMPLES / "task-called.v1.json").read_text("utf-8"))
    event["data"] |= {"outcome": outcome, "order": order}
    assert Draft202012Validator(schemas()["task-called.v1.json"]).is_valid(event) is is_good


def test_the_events_of_golden_fit_the_schemas() -> None:
    validators = {n.removesuffix(".json"): Draft202012Validator(s) for n, s in schemas().items()}
    lines = DAYS.read_text("utf-8").splitlines()[:300]
    for line in lines:
        event = json.loads(line)
        validators[event["type"]].validate(event)
    assert len({json.loads(line)["type"] for line in lines}) == len(EVENT_TYPES)
