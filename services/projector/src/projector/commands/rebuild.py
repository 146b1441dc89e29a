"""`python -m projector rebuild`: build the next generation and make it live."""

from projector.commands.arguments import parser_of, seconds
from projector.commands.output import SHOWN, echo, echo_error, exit_code_of
from projector.operations.rebuild import NotRebuilt, Options, rebuild
from projector.settings import Settings, load_settings
from projector.store.generations import KEPT_S
from runtime.logs import configure_logs


def main(arguments: list[str]) -> int:
    """Build the next generation, compare it with the live one, and make it live."""
    parser = parser_of("rebuild")
    parser.add_argument("--force", action="store_true", help="switch in spite of differences")
    parser.add_argument(
        "--stop-after-catch-up", action="store_true", help="neither compare nor switch yet"
    )
    parser.add_argument(
        "--keep-s",
        type=seconds,
        default=KEPT_S,
        metavar="SECONDS",
        help="how long the old generation stays after the switch, for readers in the middle of it",
    )
    given = parser.parse_args(arguments)
    settings = load_settings()
    configure_logs("warning")
    options = Options(given.force, given.stop_after_catch_up, given.keep_s)
    return exit_code_of("rebuild", _rebuild(settings, options))


async def _rebuild(settings: Settings, options: Options) -> int:
    try:
        await rebuild(settings, options, echo, print_differences)
    except NotRebuilt as error:
        echo_error("rebuild", error)
        return 1
    return 0


def print_differences(differences: list[str]) -> None:
    for difference in differences[:SHOWN]:
        echo(difference)
    echo(f"rebuild: {len(differences)} differences")
