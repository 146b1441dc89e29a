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

            run(settings_or_exit())
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


def _generation(arguments: list[str]) -> str | None:
    parser = argparse.ArgumentParser(prog="python -m projector verify")
    parser.add_argument("--generation", help="another one than the live one, like g2")
    generation: str | None = parser.parse_args(arguments).generation
    return generation


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
