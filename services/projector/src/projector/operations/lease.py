"""The lease that lets only one rebuild run at a time."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Final

from redis.asyncio.lock import Lock
from redis.exceptions import LockError, LockNotOwnedError

from contracts.keys import REBUILD
from runtime.redis import RETRYABLE, RedisClient
from runtime.tasks import cancel_all

LEASE_S: Final = 15
"""Seconds after which another rebuild may begin if one has died."""


@asynccontextmanager
async def rebuild_lease(client: RedisClient) -> AsyncIterator[bool]:
    """Whether this is the one rebuild; if so, it remains that while the context lasts."""
    lease = Lock(client, REBUILD, timeout=LEASE_S, blocking=False, thread_local=False)
    if not await lease.acquire():
        yield False
        return
    renewing = asyncio.create_task(_renew(lease))
    try:
        yield True
    finally:
        await cancel_all([renewing])
        with suppress(LockError):
            await lease.release()


async def _renew(lease: Lock) -> None:
    while True:
        await asyncio.sleep(LEASE_S / 3)
        with suppress(*RETRYABLE):
            try:
                await lease.reacquire()
            except LockNotOwnedError:  # Redis was emptied, or this process was suspended
                await lease.acquire()
