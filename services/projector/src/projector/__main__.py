"""`python -m projector [run|verify|rebuild|redrive|repartition]`."""

import argparse
import math
import re
import sys
from datetime import datetime
from typing import NoReturn

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
            said = f"{name} is {without_secrets(name, first['input'])!r}: {message}"
        sys.stderr.write(f"projector: {said}\n")
        sys.exit(2)


def without_secrets(name: str, value: object) -> str:
    """A setting's value as it may be shown: no passwords, nor those within a URL."""
    if name.endswith("_PASSWORD"):
        return "***"
    return re.sub(r"//[^/@]*@", "//***@", str(value))


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
        case "rebuild":
            from projector.commands import rebuild

            given = _rebuild_arguments(rest)
            return rebuild(
                settings_or_exit(),
                force=given.force,
                stop_after_catch_up=given.stop_after_catch_up,
                keep_s=given.keep_s,
            )
        case "redrive":
            from projector.commands import redrive
            from projector.consumer.redrive import Wanted

            given = _redrive_arguments(rest)
            wanted = Wanted(given.reason, given.since, given.until, given.limit)
            return redrive(settings_or_exit(), wanted, is_dry=given.dry_run)
        case "repartition":
            from projector.commands import repartition

            given = _repartition_arguments(rest)
            return repartition(settings_or_exit(), given.to_topic, given.partitions)
        case _:
            sys.stderr.write(
                f"projector: no such command: {command} {' '.join(rest)}\n"
                "usage: python -m projector [run|verify|rebuild|redrive|repartition]\n"
            )
            return 2


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message}; see {self.prog} --help\n")


def _parser(command: str) -> _Parser:
    return _Parser(prog=f"python -m projector {command}")


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no time with an offset, like 2026-11-24T09:00:00+03:00"
        )
    return moment


def _natural(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number above 0")
    return int(text)


def _position(text: str) -> int:
    if not text.isdecimal():
        raise argparse.ArgumentTypeError(f"{text!r} is no whole number from 0 on")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds")
    return seconds


def _rebuild_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = _parser("rebuild")
    parser.add_argument("--force", action="store_true", help="switch in spite of differences")
    parser.add_argument(
        "--stop-after-catch-up", action="store_true", help="neither compare nor switch yet"
    )
    parser.add_argument(
        "--keep-s",
        type=_seconds,
        default=60.0,
        metavar="SECONDS",
        help="how long the old generation stays after the switch, for readers in the middle of it",
    )
    return parser.parse_args(arguments)


def _redrive_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = _parser("redrive")
    parser.add_argument("--reason", help="only letters buried for this reason, like not_json")
    parser.add_argument("--since", type=_moment, metavar="T", help="only records from T on")
    parser.add_argument("--until", type=_moment, metavar="T", help="only records before T")
    parser.add_argument("--limit", type=_natural, metavar="N", help="send at most N events")
    parser.add_argument("--dry-run", action="store_true", help="send nothing, only count")
    return parser.parse_args(arguments)


def _repartition_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = _parser("repartition")
    parser.add_argument("--to-topic", required=True, metavar="NAME")
    parser.add_argument("--partitions", required=True, type=_natural, metavar="N")
    return parser.parse_args(arguments)


def _run_arguments(arguments: list[str]) -> argparse.Namespace:
    parser = _parser("run")
    parser.add_argument(
        "--accept-through",
        type=_position,
        metavar="OFFSET",
        help="bury the dead letters through this offset, where a storm of them has parked a shard",
    )
    parser.add_argument("--partition", type=_position, help="only of this one, parked or not")
    return parser.parse_args(arguments)


def _generation(arguments: list[str]) -> str | None:
    parser = _parser("verify")
    parser.add_argument("--generation", help="another one than the live one, like g2")
    generation: str | None = parser.parse_args(arguments).generation
    return generation


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
