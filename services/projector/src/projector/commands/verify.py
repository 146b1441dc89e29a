"""`python -m projector verify`: compare Redis with Kafka."""

import sys

from projector.commands.arguments import parser_of
from projector.commands.output import SHOWN, echo_error, exit_code_of
from projector.operations.verify import Findings, NoGeneration, verify
from projector.settings import Settings, load_settings


def main(arguments: list[str]) -> int:
    """Compare the live generation, or the given one, with Kafka; 1 if anything differs."""
    parser = parser_of("verify")
    parser.add_argument("--generation", help="another one than the live one, like g2")
    given = parser.parse_args(arguments)
    return exit_code_of("verify", _verify(load_settings(), given.generation))


async def _verify(settings: Settings, generation: str | None) -> int:
    try:
        found = await verify(settings, generation)
    except NoGeneration as error:
        echo_error("verify", error)
        return 1
    print_findings(found)
    return 1 if found.differences else 0


def print_findings(found: Findings) -> None:
    for difference in found.differences[:SHOWN]:
        sys.stdout.write(difference + "\n")
    if len(found.differences) > SHOWN:
        sys.stdout.write(f"… and {len(found.differences) - SHOWN} more\n")
    older = f", {found.older} events older than Kafka's log taken from Redis" if found.older else ""
    sys.stdout.write(
        f"verify: {found.shards} shards, {found.records} records, {found.tasks} tasks, "
        f"{found.values} values{older}: {len(found.differences)} differences\n"
    )
