"""No module and no class grows beyond what one can keep in mind."""

import ast
import subprocess
from pathlib import Path

from support.paths import ROOT

MODULE_LINES = 350
CLASS_METHODS = 20

GENERATED = {"services/query_api/web/src/schema.ts"}


def sources(*patterns: str) -> list[str]:
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--", *patterns], cwd=ROOT, capture_output=True, check=True
    )
    return [name for name in listed.stdout.decode().split("\0") if name and name not in GENERATED]


def test_no_module_is_longer_than_a_few_screens() -> None:
    lines = {
        name: len((ROOT / name).read_text().splitlines())
        for name in sources("*.py", "*.ts", "*.tsx")
        if (ROOT / name).exists()
    }
    assert len(lines) > 100
    assert {name: many for name, many in lines.items() if many > MODULE_LINES} == {}


def test_no_class_has_more_methods_than_one_keeps_in_mind() -> None:
    found: dict[str, int] = {}
    for name in sources("*.py"):
        path: Path = ROOT / name
        for node in ast.walk(ast.parse(path.read_text())) if path.exists() else ():
            if isinstance(node, ast.ClassDef):
                methods = [
                    part
                    for part in node.body
                    if isinstance(part, ast.FunctionDef | ast.AsyncFunctionDef)
                ]
                found[f"{name}: {node.name}"] = len(methods)
    assert len(found) > 100
    assert {name: many for name, many in found.items() if many > CLASS_METHODS} == {}
