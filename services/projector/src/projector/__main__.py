"""`python -m projector [run|verify|rebuild|redrive|repartition]`."""

import sys


def main(arguments: list[str]) -> int:
    """Run one command; its exit code."""
    command, *rest = arguments or ["run"]
    match command:
        case "run":
            from projector.commands import run

            return run.main(rest)
        case "verify":
            from projector.commands import verify

            return verify.main(rest)
        case "rebuild":
            from projector.commands import rebuild

            return rebuild.main(rest)
        case "redrive":
            from projector.commands import redrive

            return redrive.main(rest)
        case "repartition":
            from projector.commands import repartition

            return repartition.main(rest)
        case _:
            sys.stderr.write(
                f"projector: no such command: {command} {' '.join(rest)}\n"
                "usage: python -m projector [run|verify|rebuild|redrive|repartition]\n"
            )
            return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
