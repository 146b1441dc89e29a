"""Accept dead letters: the operator gives up the records of a storm."""

import structlog

from contracts.keys import LivePointer
from projector.store.generations import accept, read_metas
from runtime.redis import RedisClient

log = structlog.get_logger()


async def accept_dead_letters(
    client: RedisClient, topic: str, live: LivePointer, through: int, partition: int | None
) -> None:
    """Accept the dead letters through an offset, of the partition or of those a storm has parked."""
    shards = await read_metas(client, live.generation, live.fingerprint)
    for number, meta in enumerate(shards):
        is_parked = meta is not None and (meta.parked or "").startswith("dead-letter storm")
        if partition in (number, None) and (is_parked or partition is not None):
            await accept(client, topic, number, through)
            log.warning("dead_letters_accepted", partition=number, through=through)
