"""Forgetting what is older than the report shows."""

import time
from typing import Any, Final

import structlog

from projector import metrics
from projector.consumer.assignment import Assignment
from projector.consumer.errors import label_of
from projector.store.errors import StaleOwner
from runtime.redis import RETRYABLE, RedisClient

log = structlog.get_logger()

RETENTION_S: Final = 600.0
"""Seconds between two looks at the horizon."""

CLOCK_SKEW_S: Final = 5.0
"""Seconds that this clock may be away from Redis' for retention to trust it."""


async def apply_retention(assignment: Assignment) -> None:
    """Move the horizons forward to today less the retention, unless this clock is doubtful."""
    generation = assignment.generation
    skew = abs(time.time() - await redis_time(generation.client))
    metrics.RETENTION_PARKED.set(skew > CLOCK_SKEW_S)
    if skew > CLOCK_SKEW_S:
        log.error("retention_parked", reason=f"this clock is {skew:.1f} s away from Redis'")
        return
    horizon, documents = generation.horizon(), generation.documents_horizon()
    for owned in list(assignment.partitions.values()):
        async with owned.lock:
            if owned.state != "live" or horizon <= owned.shard.projection.horizon:
                continue
            try:
                dates = await owned.shard.advance_horizon(horizon)
                forgotten = await owned.shard.forget_documents(documents)
            except (StaleOwner, *RETRYABLE) as error:
                owned.restore(label_of(error))
                continue
            log.info(
                "horizon_moved",
                partition=owned.partition,
                horizon=horizon,
                dates=dates,
                documents=forgotten,
            )


async def redis_time(client: RedisClient) -> float:
    """Redis' clock, in seconds since 1970."""
    answer: Any = await client.time()
    if isinstance(answer, dict):  # a cluster answers by node
        answer = next(iter(answer.values()))
    return int(answer[0]) + int(answer[1]) / 1e6
