"""What the run of each fault found, and the table in docs/reliability.md made from it.

python tests/chaos/results.py            prints the table
python tests/chaos/results.py --write    puts it into docs/reliability.md
"""

import argparse
import json
import os
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
FILE = Path(os.environ.get("OBZVON_CHAOS_RESULTS", ROOT / ".cache" / "chaos-results.jsonl"))
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"


def record(
    fault: str,
    *,
    faults: int,
    events: int,
    differences: int,
    rate: float = 0.0,
    note: str = "",
) -> None:
    """Record one run: how often the fault occurred, under how many events, with what result.

    A `note` is a figure of that run alone; the table shows the last run's.
    """
    FILE.parent.mkdir(parents=True, exist_ok=True)
    line = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "fault": fault,
        "faults": faults,
        "events": events,
        "differences": differences,
        "rate": round(rate),
        "note": note,
    }
    with FILE.open("a") as file:
        file.write(json.dumps(line, ensure_ascii=False) + "\n")


def table() -> str:
    """The runs, summed by fault, in the order in which they were first run."""
    faults: dict[str, list[dict[str, Any]]] = {}
    for line in FILE.read_text().splitlines():
        run = json.loads(line)
        faults.setdefault(run["fault"], []).append(run)
    rows = [
        "| fault | runs | times it struck | events sent | events a second | differences |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for fault, runs in faults.items():
        rates = [run["rate"] for run in runs if run["rate"]]
        rate = f"{min(rates):,}" if rates else "–"
        struck, events, differences = (
            sum(run[name] for run in runs) for name in ("faults", "events", "differences")
        )
        note = runs[-1].get("note")
        fault += f" ({note})" if note else ""
        rows.append(f"| {fault} | {len(runs)} | {struck} | {events:,} | {rate} | {differences} |")
    return "\n".join(rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="The table of docs/reliability.md")
    parser.add_argument("--write", action="store_true", help="put it into the page")
    given = parser.parse_args()
    if not FILE.exists():
        sys.exit(f"{FILE} does not exist: run `make chaos` first")
    if not given.write:
        print(table())
        return
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text(f"{before}{BEGIN}\n{table()}\n{END}{after}")


if __name__ == "__main__":
    main()
