"""`python -m surface write TREE INTO` and `python -m surface compare ONE OTHER`."""

import argparse
import difflib
import sys
from pathlib import Path

from surface.checkout import Checkout
from surface.commands import answer_commands
from surface.described import describe
from surface.living import live

SHOWN_LINES = 60
"""Lines of a file's difference that are printed."""


def write(tree: Path, into: Path) -> int:
    """Write everything that can be seen of a checkout."""
    checkout = Checkout(tree.absolute())
    into.mkdir(parents=True, exist_ok=True)
    for old in into.glob("*"):
        old.unlink()
    for part in (describe, answer_commands, live):
        for name, text in part(checkout):
            (into / name).write_text(text, "utf-8")
            print(f"surface: {name}: {text.count(chr(10))} lines")
    return 0


def compare(one: Path, other: Path) -> int:
    """Print how two such folders differ; 1 if in anything but words."""
    names = sorted({path.name for folder in (one, other) for path in folder.iterdir()})
    if not names:
        sys.stderr.write("surface: there is nothing to compare\n")
        return 2
    differing = [name for name in names if _read(one / name) != _read(other / name)]
    for name in differing:
        if not (_read(one / name) and _read(other / name)):
            missing = one if not _read(one / name) else other
            print(f"{name} is not there, or empty, in {missing}\n")
            continue
        found = difflib.unified_diff(
            _read(one / name),
            _read(other / name),
            str(one / name),
            str(other / name),
            "",
            "",
            0,
            "",
        )
        difference = list(found)
        print("\n".join(line[:400] for line in difference[:SHOWN_LINES]))
        if len(difference) > SHOWN_LINES:
            print(f"... and {len(difference) - SHOWN_LINES} more lines")
        print()
    serious = [name for name in differing if not name.startswith("words-")]
    print(f"surface: {len(names)} files, differing: {', '.join(serious) or 'none'}")
    print(f"surface: in words only: {', '.join(sorted({*differing} - {*serious})) or 'none'}")
    return 1 if serious else 0


def _read(path: Path) -> list[str]:
    return path.read_text("utf-8").splitlines() if path.exists() else []


def main(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m surface", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write", help="write what can be seen of a checkout")
    writing.add_argument("tree", type=Path)
    writing.add_argument("into", type=Path)
    comparing = commands.add_parser("compare", help="how two such folders differ")
    comparing.add_argument("one", type=Path)
    comparing.add_argument("other", type=Path)
    given = parser.parse_args(arguments)
    if given.command == "write":
        return write(given.tree, given.into)
    return compare(given.one, given.other)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
