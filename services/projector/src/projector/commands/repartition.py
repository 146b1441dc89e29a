"""`python -m projector repartition`: copy the events topic into one with more or fewer partitions."""

from projector.commands.arguments import natural, parser_of
from projector.commands.output import echo, echo_error, exit_code_of
from projector.operations.repartition import WrongTarget, repartition
from projector.settings import Settings, load_settings


def main(arguments: list[str]) -> int:
    """Copy the events topic into one with another number of partitions."""
    parser = parser_of("repartition")
    parser.add_argument("--to-topic", required=True, metavar="NAME")
    parser.add_argument("--partitions", required=True, type=natural, metavar="N")
    given = parser.parse_args(arguments)
    work = _repartition(load_settings(), given.to_topic, given.partitions)
    return exit_code_of("repartition", work)


async def _repartition(settings: Settings, to_topic: str, partitions: int) -> int:
    if to_topic == settings.events_topic:
        echo_error("repartition", f"{to_topic} is the events topic itself; name another one")
        return 2
    try:
        copied = await repartition(settings, to_topic, partitions, echo)
    except WrongTarget as error:
        echo_error("repartition", error)
        return 1
    echo(
        f"repartition: {copied} records copied. Now let publishers write to {to_topic}, run this "
        f"once more for what came meanwhile, then run the projectors with "
        f"OBZVON_EVENTS_TOPIC={to_topic} after `python -m projector rebuild` with the same setting "
        "(or with OBZVON_ON_FOREIGN=rebuild, which does that by itself)"
    )
    return 0
