"""The golden fixtures: the specification of the report as data."""

import json
from pathlib import Path
from typing import Any

from support.paths import FIXTURES

GOLDEN = FIXTURES / "golden"
RULES = sorted((GOLDEN / "rules").glob("*.json"))


def load(path: Path) -> Any:
    return json.loads(path.read_text())


def day_events() -> list[dict[str, Any]]:
    lines = (GOLDEN / "days" / "events.jsonl").read_text().splitlines()
    return [json.loads(line) for line in lines]
