"""`python -m projector [run|verify|rebuild|redrive|repartition]`."""

import argparse
import sys

from pydantic import ValidationError

from projector.settings import Settings


def settings_or_exit() -> Settings:
    """The settings from the environment; one line on stderr and exit code 2 if they are wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "OBZVON_" + str(first["loc"][0]).upper()
        if first["type"] == "missing":
            said = f"{name} is not set; see the settings table in README.md"
        else:
            message = first["msg"].removeprefix("Value error, ")
            said = f"{name} is {first['input']!r}: {message}"
        sys.stderr.write(f"projector: {said}\n")
        sys.exit(2)


def main(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    command, *rest = arguments or ["run"]
    match command:
        case "run":
            from projector.main import run

            given = _run_arguments(rest)
            run(settings_or_exit(), accept_through=given.accept_through, partition=given.partition)
            return 0
        case "verify":
            from projector.commands import verify

            return verify(settings_or_exit(), _generation(rest))
        case _:
            sys.stderr.write(
                f"projector: no such command: {command} {' '.join(rest)}\n"
                "usage: python -m projector [run|verify|rebuild|redrive|repartition]\n"
            )
            return 2


def _run_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m projector run")
    parser.add_argument(
        "--accept-through",
        type=int,
        metavar="OFFSET",
        help="bury the dead letters through this offset, where a storm of them has parked a shard",
    )
    parser.add_argument("--partition", type=int, help="only of this one, parked or not")
    return parser.parse_args(arguments)


def _generation(arguments: list[str]) -> str | None:
    parser = argparse.ArgumentParser(prog="python -m projector verify")
    parser.add_argument("--generation", help="another one than the live one, like g2")
    generation: str | None = parser.parse_args(arguments).generation
    return generation


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
