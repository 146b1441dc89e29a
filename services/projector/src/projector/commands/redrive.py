"""`python -m projector redrive`: send dead letters that can be read now back to the events topic."""

from projector.commands.arguments import moment, natural, parser_of
from projector.commands.output import echo, exit_code_of
from projector.operations.redrive import LetterFilter, Redriven, redrive
from projector.settings import Settings, load_settings


def main(arguments: list[str]) -> int:
    """Send the dead letters that are wanted and can be read."""
    parser = parser_of("redrive")
    parser.add_argument("--reason", help="only letters with this reason, like not_json")
    parser.add_argument("--since", type=moment, metavar="T", help="only records from T on")
    parser.add_argument("--until", type=moment, metavar="T", help="only records before T")
    parser.add_argument("--limit", type=natural, metavar="N", help="send at most N events")
    parser.add_argument("--dry-run", action="store_true", help="send nothing, only count")
    given = parser.parse_args(arguments)
    wanted = LetterFilter(given.reason, given.since, given.until, given.limit)
    return exit_code_of("redrive", _redrive(load_settings(), wanted, is_dry=given.dry_run))


async def _redrive(settings: Settings, wanted: LetterFilter, *, is_dry: bool) -> int:
    print_summary(await redrive(settings, wanted, is_dry=is_dry), is_dry=is_dry)
    return 0


def print_summary(result: Redriven, *, is_dry: bool) -> None:
    sent = "would be sent" if is_dry else "sent"
    reasons = {*result.sent, *result.unreadable, *result.filtered, *result.gone}
    for reason in sorted(reasons):
        echo(
            f"{reason}: {result.sent[reason]} {sent}, {result.unreadable[reason]} still "
            f"unreadable, {result.filtered[reason]} filtered, {result.gone[reason]} gone"
        )
    if result.odd:
        echo(f"{result.odd} records of the dead-letter topic were not sent by a projector")
    echo(
        f"redrive: {result.sent.total()} {sent}, {result.unreadable.total()} still unreadable, "
        f"{result.filtered.total()} filtered, {result.gone.total()} gone"
    )
