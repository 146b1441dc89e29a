"""`python -m projector run`: the service itself."""

from projector.commands.arguments import parser_of, position
from projector.commands.output import echo_error
from projector.consumer.aiokafka_patch import UnknownAiokafka
from projector.main import run
from projector.settings import load_settings


def main(arguments: list[str]) -> int:
    """Run the projector until SIGTERM or SIGINT."""
    parser = parser_of("run")
    parser.add_argument(
        "--accept-through",
        type=position,
        metavar="OFFSET",
        help="accept the dead letters through this offset, if a storm of them has parked a shard",
    )
    parser.add_argument("--partition", type=position, help="only of this one, parked or not")
    given = parser.parse_args(arguments)
    try:
        run(load_settings(), accept_through=given.accept_through, partition=given.partition)
    except UnknownAiokafka as error:
        echo_error("projector", error)
        return 1
    return 0
