"""Reading a generation: which one is live, whether it is ours to read, and its shards."""

from collections.abc import Collection, Sequence

import structlog
from pydantic import ValidationError

from contracts.keys import LIVE, LivePointer, ShardKeys
from query_api.reader.shard import Decoder, ShardRead, read_all
from query_api.report.snapshot import Shard
from runtime.redis import RedisClient

log = structlog.get_logger()


def parse_pointer(value: bytes | None) -> LivePointer | None:
    """Returns the pointer that the value of the key `LIVE` holds; None without a valid one."""
    if value is None:
        return None
    try:
        return LivePointer.model_validate_json(value)
    except ValidationError as error:
        log.error("odd_live_pointer", value=value[:500], error=str(error))  # noqa: TRY400
        return None


def settings_mismatch(pointer: LivePointer, timezone: str, day_end: str) -> str | None:
    """Returns what is wrong, if the generation was computed with other settings than these."""
    theirs = pointer.fingerprint
    if (theirs.timezone, theirs.day_end) == (timezone, day_end):
        return None
    return (
        f"generation {pointer.generation} was computed with OBZVON_TIMEZONE={theirs.timezone} "
        f"and OBZVON_DAY_END={theirs.day_end}, this API runs with {timezone} and "
        f"{day_end}: give both services the same settings"
    )


async def read_generation(
    client: RedisClient,
    generation: str,
    held: Sequence[Shard | None],
    dirty: Collection[int] | None,
    wanted: set[str],
    decoder: Decoder,
) -> tuple[tuple[Shard | None, ...], bytes | None]:
    """Returns the generation's shards as they are now, and the value of `LIVE` after them.

    `held` are its shards as they were read before. Only the `dirty` ones are read again, or all if
    that is None, and those that lack cells of a `wanted` date.
    """
    numbers = [
        number
        for number, shard in enumerate(held)
        if dirty is None or number in dirty or (shard is not None and shard.lacks(wanted))
    ]
    read, value = await read_all(
        client,
        [
            ShardRead(ShardKeys(generation, number), wanted, decoder, held[number])
            for number in numbers
        ],
        LIVE,
    )
    shards = list(held)
    for number, shard in zip(numbers, read, strict=True):
        shards[number] = shard
    return tuple(shards), value
