"""How contacts of a real telephone campaign went: the sample that the simulator draws from.

The table in data/ is derived from the Bank Marketing data set (see
data/README.md). To derive it again:

    python -m devkit.simulator.campaign_sample tests/fixtures/campaign/bank-additional.csv > devkit/src/devkit/simulator/data/campaign_sample.csv
"""

import csv
import sys
from functools import cache
from importlib.resources import files
from pathlib import Path

from devkit.simulator.conversation import Conversation


@cache
def campaign_contacts() -> tuple[Conversation, ...]:
    """Returns the 4,119 contacts, in the order of the data set.

    Drawing one of them keeps its three values together.
    """
    table = files("devkit.simulator").joinpath("data/campaign_sample.csv").read_text("ascii")
    return tuple(
        Conversation(int(calls), int(duration), success == "1")
        for calls, duration, success in (line.split(",") for line in table.split()[1:])
    )


def read_campaign(csv_path: Path) -> list[dict[str, str]]:
    """Returns the rows of the data set's file, by their column names."""
    with csv_path.open(encoding="ascii", newline="") as file:
        return list(csv.DictReader(file, delimiter=";"))


def contact_of(row: dict[str, str]) -> Conversation:
    """Returns what one row of the data set's file says of its calls."""
    return Conversation(int(row["campaign"]), int(row["duration"]), row["y"] == "yes")


def table_of(csv_path: Path) -> str:
    """Returns the text of data/campaign_sample.csv."""
    lines = ["calls,duration_s,success"]
    for row in read_campaign(csv_path):
        contact = contact_of(row)
        lines.append(f"{contact.calls},{contact.duration_s},{int(contact.is_success)}")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.stdout.write(table_of(Path(sys.argv[1])))
