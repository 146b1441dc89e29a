"""`python -m projector [run|verify|rebuild|redrive|repartition]`."""

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
        case _:
            sys.stderr.write(
                f"projector: no such command: {command} {' '.join(rest)}\n"
                "usage: python -m projector [run|verify|rebuild|redrive|repartition]\n"
            )
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
