"""What is true of every report."""

from typing import Any

from contracts.values import COUNTERS, STANDINGS

CLOSED = ("ordered", "postponed", "no_contact", "refused", "drop_closed")


def holds_together(report: dict[str, Any]) -> None:
    """Assert that each line adds up, and that the totals are the sum of the lines."""
    lines, totals = report["operators"], report["totals"]
    for line in [*lines, totals]:
        overdue = line["overdue"]["total"] - line["overdue"]["carried"]
        closed = sum(line[name] for name in CLOSED)
        assert line["planned"] == line["active"]["total"] + overdue + closed
        for group in ("active", "overdue"):
            assert line[group]["total"] == sum(line[group][name] for name in STANDINGS)
    for name in COUNTERS:
        assert totals[name] == sum(line[name] for line in lines)
    for group in ("active", "overdue"):
        for name in totals[group]:
            assert totals[group][name] == sum(line[group][name] for line in lines)


def figure(line: dict[str, Any], name: str) -> int:
    """A figure of a line by its name, like `calls` or `overdue.carried`."""
    group, _, part = name.partition(".")
    return int(line[group][part] if part else line[group])
