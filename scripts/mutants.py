"""Mutation tests of the projector's pure core: the small changes of its code that no test sees.

`make mutants` runs mutmut over what `MUTATED` names, with the tests in `TESTS` and no others, and
prints the surviving mutants by function. docs/mutation.md judges those that are left.

mutmut takes a module's name from its path below `src`, which the members of this repository do
not share; so it works in a folder of its own, where copies are laid out as it expects them. Laws
run with few examples there, the same ones each time, so that the same mutants survive.
"""

import argparse
import ast
import difflib
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parents[1]
FOLDER: Final = ROOT / ".cache" / "mutants"

MUTATED: Final = ("fold/*", "generation_policy.py", "consumer/continuity.py")
"""Within the package projector."""

TESTS: Final = (
    "unit/projector/fold",
    "unit/projector/test_generation_policy.py",
    "unit/projector/consumer/test_continuity.py",
)
SUPPORT: Final = ("support", "chaos/__init__.py", "chaos/independent.py", "fixtures/golden")
"""Within tests: what those tests use."""

EXAMPLES: Final = 25
"""Of each law, for each mutant."""

_CONFTEST: Final = f"""
from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "mutants",
    max_examples={EXAMPLES},
    derandomize=True,
    database=None,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],  # whoever fails need not say so briefly
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("mutants")
"""

_PYPROJECT: Final = f"""
[tool.mutmut]
source_paths = ["src"]
only_mutate = {json.dumps([f"src/projector/{path}" for path in MUTATED])}
pytest_add_cli_args_test_selection = {json.dumps([f"tests/{path}" for path in TESTS])}
mutate_only_covered_lines = true
timeout_multiplier = 3.0
timeout_constant = 10.0
use_git_change_detection = false

[tool.pytest.ini_options]
addopts = "--import-mode=importlib -p no:cacheprovider -p no:xdist"
pythonpath = ["tests"]
asyncio_mode = "auto"
asyncio_default_fixture_loop_scope = "function"
"""

_RESULT: Final = re.compile(r"\s*(?P<name>[\w.ǁ]+)__mutmut_(?P<number>\d+): (?P<how>[\w ]+)")

KILLED: Final = frozenset({"killed", "timeout", "caught by type check", "segfault"})

NOT_CHECKED: Final = "not checked"
"""What becomes of mutants that were not asked for."""


def lay_out() -> None:
    """Make the folder that mutmut works in; what it remembers of earlier runs stays."""
    for path in ("src", "tests"):
        shutil.rmtree(FOLDER / path, ignore_errors=True)
    package = ROOT / "services" / "projector" / "src" / "projector"
    shutil.copytree(package, FOLDER / "src" / "projector", ignore=_BYTECODE)
    for path in (*SUPPORT, *TESTS):
        source, target = ROOT / "tests" / path, FOLDER / "tests" / path
        target.parent.mkdir(parents=True, exist_ok=True)
        if source.is_dir():
            shutil.copytree(source, target, ignore=_BYTECODE)
        else:
            shutil.copy(source, target)
    (FOLDER / "tests" / "conftest.py").write_text(_CONFTEST)
    (FOLDER / "pyproject.toml").write_text(_PYPROJECT)


_BYTECODE: Final = shutil.ignore_patterns("__pycache__")


def mutmut(*arguments: str) -> str:
    """What mutmut prints; the progress of a run goes to the terminal, if there is one."""
    is_quiet = arguments[0] != "run" or not sys.stdout.isatty()
    done = subprocess.run(
        [Path(sys.executable).with_name("mutmut"), *arguments],
        cwd=FOLDER,
        stdout=subprocess.PIPE if is_quiet else None,
        text=True,
        check=True,
    )
    return done.stdout or ""


def results() -> dict[str, str]:
    """Mutant → what became of it."""
    found = {}
    for line in mutmut("results", "--all", "true").splitlines():
        matched = _RESULT.match(line)
        if matched and matched["how"] != NOT_CHECKED:
            found[f"{matched['name']}__mutmut_{matched['number']}"] = matched["how"].strip()
    return found


def function_of(mutant: str) -> str:
    """`projector.fold.task: Task.add`, of the mutant's name."""
    module, _, name = mutant.rpartition("__mutmut_")[0].rpartition(".")
    name = name.removeprefix("xǁ").removeprefix("x_").replace("ǁ", ".")
    return f"{module}: {name}"


def summary(found: dict[str, str]) -> Iterable[str]:
    """The score of each module, then every mutant that was not killed, by function."""
    by_module: dict[str, Counter[str]] = defaultdict(Counter)
    for mutant, how in found.items():
        by_module[function_of(mutant).partition(":")[0]][how] += 1
    for module, counts in sorted(by_module.items()):
        killed = sum(counts[how] for how in KILLED)
        others = ", ".join(f"{n} {how}" for how, n in sorted(counts.items()) if how not in KILLED)
        yield f"{module}: {killed} of {counts.total()} killed{'; ' + others if others else ''}"
    killed = sum(how in KILLED for how in found.values())
    yield f"all: {killed} of {len(found)} killed ({100 * killed / max(1, len(found)):.1f} %)"
    left: dict[str, list[str]] = defaultdict(list)
    for mutant, how in found.items():
        if how not in KILLED:
            left[function_of(mutant)].append(mutant)
    for function, mutants in sorted(left.items()):
        yield f"\n{function}"
        for mutant in mutants:
            yield f"  {mutant.rpartition('__mutmut_')[2]} ({found[mutant]})"
            yield from (f"    {line}" for line in change_of(mutant))


def change_of(mutant: str) -> list[str]:
    """The lines of a function that the mutant takes away (-) and puts there (+)."""
    module, _, name = mutant.rpartition(".")
    bodies = functions_of(FOLDER / "mutants" / "src" / Path(*module.split(".")).with_suffix(".py"))
    original = f"{name.rpartition('__mutmut_')[0]}__mutmut_orig"
    before, after = (bodies[one].splitlines()[1:] for one in (original, name))
    return [line for line in difflib.ndiff(before, after) if line[:1] in "+-"]


@cache
def functions_of(path: Path) -> dict[str, str]:
    """The source of every function of a mutated module by its name there."""
    text = path.read_text("utf-8")
    lines = text.splitlines()
    return {
        node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno])
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef)
    }


def main(arguments: list[str]) -> int:
    """Run them and print what was found; 0, as survivors are to be judged, not refused."""
    parser = argparse.ArgumentParser(prog="python scripts/mutants.py", description=__doc__)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--fresh", action="store_true", help="forget the results of earlier runs")
    parser.add_argument("only", nargs="*", help="mutants by name, like 'projector.fold.cells*'")
    given = parser.parse_args(arguments)
    if given.fresh:
        shutil.rmtree(FOLDER, ignore_errors=True)
    lay_out()
    mutmut("run", "--max-children", str(given.jobs), *given.only)
    for line in summary(results()):
        print(line)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
