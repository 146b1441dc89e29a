"""Listening for hints: messages that say which shard has changed."""

import asyncio
import contextlib
import time
from collections.abc import Callable
from typing import Final

import structlog

from contracts.keys import CHANGES
from query_api.reader.errors import describe
from runtime.backoff import exponential
from runtime.redis import RETRYABLE, RedisClient

log = structlog.get_logger()

SUBSCRIPTION_S: Final = 30.0
"""Seconds after which to subscribe again: the server's name may lead to another one by then."""

PATIENCE_S: Final = 1.0
"""Seconds to wait for a message before the time is looked at."""

LONGEST_PAUSE_S: Final = 2.0
"""Seconds to which the pause after a failure grows."""


async def subscribe_forever(
    client: RedisClient, take_hint: Callable[[bytes], None], take_gap: Callable[[], None]
) -> None:
    """Give each message of `CHANGES` to `take_hint`; call `take_gap` if some may have been lost."""
    pauses = exponential(longest_s=LONGEST_PAUSE_S)
    while True:
        try:
            # A cluster's client must first know where the channel is. It learns that by a command,
            # even if the node that it knew is dead; by a subscription it does not.
            await client.exists(CHANGES)
            async with contextlib.aclosing(client.pubsub()) as pubsub:
                await pubsub.subscribe(CHANGES)
                renewed_at = time.monotonic() + SUBSCRIPTION_S
                while time.monotonic() < renewed_at:
                    message = await pubsub.get_message(timeout=PATIENCE_S)
                    if message is None:
                        continue
                    pauses = exponential(longest_s=LONGEST_PAUSE_S)
                    if message["type"] == "message":
                        take_hint(message["data"])
                    else:  # subscribed, perhaps again
                        take_gap()
            continue
        except RETRYABLE as error:
            pause = next(pauses)
            log.warning("subscription_lost", error=describe(error), pause_s=round(pause, 2))
        except Exception:  # hints only make reading faster: without them it goes on
            pause = next(pauses)
            log.exception("subscription_failed")
        await asyncio.sleep(pause)
