"""The independent fold that faults are judged by agrees with the specification."""

import ast
import json
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from chaos import independent
from chaos.independent import Rules
from support.courses import without_empty
from support.golden import GOLDEN, RULES

COURSES = json.loads((GOLDEN / "days" / "expected_hours.json").read_text())
DAYS = json.loads((GOLDEN / "days" / "expected.json").read_text())


@pytest.mark.parametrize("rule", RULES, ids=lambda p: p.stem)
def test_the_independent_fold_gives_the_report_of_each_rule(rule: Path) -> None:
    case = json.loads(rule.read_text())
    rules = Rules(case["timezone"], case["day_end"])
    contacts = rules.contacts(case["events"])
    now = datetime.fromisoformat(case["now"])
    for day, expected in case["report"].items():
        assert rules.report(contacts, day, now) == expected


@pytest.mark.parametrize("case", DAYS["reports"], ids=lambda case: case["now"])
def test_the_independent_fold_gives_the_reports_of_the_days(case: dict[str, Any]) -> None:
    lines = (GOLDEN / "days" / "events.jsonl").read_text().splitlines()
    rules = Rules(DAYS["timezone"], DAYS["day_end"])
    contacts = rules.contacts(map(json.loads, lines))
    now = datetime.fromisoformat(case["now"])
    assert rules.report(contacts, case["date"], now, **case["filters"]) == case["operators"]


@pytest.mark.parametrize("rule", RULES, ids=lambda p: p.stem)
def test_the_independent_fold_gives_the_hours_of_each_rule(rule: Path) -> None:
    case = json.loads(rule.read_text())
    rules = Rules(case["timezone"], case["day_end"])
    contacts = rules.contacts(case["events"])
    for day in case["hours"].keys() | {contact.day for contact in contacts}:
        assert without_empty(rules.hours(contacts, day)) == case["hours"].get(day, [])


@pytest.mark.parametrize("case", COURSES["hours"], ids=lambda case: str(case["filters"]))
def test_the_independent_fold_gives_the_hours_of_the_days(case: dict[str, Any]) -> None:
    lines = (GOLDEN / "days" / "events.jsonl").read_text().splitlines()
    rules = Rules(COURSES["timezone"], DAYS["day_end"])
    contacts = rules.contacts(map(json.loads, lines))
    assert rules.hours(contacts, case["date"], **case["filters"]) == case["hours"]


def test_the_independent_fold_uses_nothing_of_the_projector() -> None:
    tree = ast.parse(Path(independent.__file__).read_text())
    imported = {
        node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
        for node in ast.walk(tree)
        if isinstance(node, ast.Import | ast.ImportFrom)
    }
    assert not {name for name in imported if name and name.partition(".")[0] in _OURS}


_OURS = {"projector", "contracts", "query_api", "devkit", "support"}
