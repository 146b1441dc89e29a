"""Options that several commands have."""

from pathlib import Path
from typing import Annotated, Literal

import typer

DataDir = Annotated[Path, typer.Option("--data-dir", help="Folder of the stack and its data")]
Fresh = Annotated[bool, typer.Option("--fresh", help="Forget the data of earlier runs")]
KafkaPort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="9092 by default, or any if that is taken")
]
RedisPort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="6379 by default, or any if that is taken")
]
ApiPort = Annotated[
    int | None, typer.Option(min=0, max=65535, help="8080 by default, or any if that is taken")
]
Partitions = Annotated[int, typer.Option(min=1, max=1000, help="Partitions of the events topic")]
Bootstrap = Annotated[str | None, typer.Option(help="A broker other than the running stack's")]
Topic = Annotated[str | None, typer.Option(help="A topic other than the running stack's")]
Operators = Annotated[int, typer.Option(min=1, help="Operators who call")]
Tasks = Annotated[int, typer.Option(min=1, help="Contacts planned for the day")]
Speed = Annotated[float, typer.Option(min=0, help="Simulated seconds a second; 0: all at once")]
Seed = Annotated[int, typer.Option(help="Another seed is another day")]
Profile = Annotated[
    Literal["delivery", "campaign"],
    typer.Option(help="A business that delivers goods, or a bank's telephone campaign"),
]
DaysBefore = Annotated[
    int | None,
    typer.Option(
        min=0,
        max=60,
        help="Days before it, published first; 7 for a delivery, none for a campaign",
    ),
]
Role = Annotated[str, typer.Option(help="head, quality_control, or any other, which may not read")]
