"""Which generation is live: one pointer, made again when Redis has lost it."""

from contracts.keys import LIVE, Fingerprint, LivePointer
from projector.store.client import RedisClient

FIRST = "g1"


async def live_pointer(client: RedisClient) -> LivePointer | None:
    """The pointer, or None on a Redis that has none (yet, or any more)."""
    value = await client.get(LIVE)
    return LivePointer.model_validate_json(value) if value else None


async def ensure_live(
    client: RedisClient, generation: str, fingerprint: Fingerprint
) -> LivePointer:
    """The live pointer; if there is none, it is made to point to `generation`."""
    mine = LivePointer(generation=generation, fingerprint=fingerprint)
    await client.set(LIVE, mine.model_dump_json(), nx=True)
    found = await live_pointer(client)
    return found or mine
