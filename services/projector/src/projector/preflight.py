"""What in the settings of Kafka and Redis would cost the report its past: logged before the start."""

from collections.abc import Mapping
from typing import Final

import structlog
from redis.asyncio.cluster import RedisCluster
from redis.exceptions import ResponseError

from projector import metrics
from projector.consumer.event_log import EventLog
from projector.consumer.topic import read_configs
from projector.settings import Settings
from runtime.redis import RedisClient

log = structlog.get_logger()

DAY_MS: Final = 24 * 60 * 60 * 1_000


async def check_topic_settings(settings: Settings, event_log: EventLog) -> None:
    """Log each setting of the events topic that would lose events which the report needs."""
    await event_log.partitions()  # it must exist
    configs = await read_configs(settings.events_topic, settings.kafka_options())
    found = unsafe_settings(settings.events_topic, configs, settings.retention_days)
    metrics.UNSAFE_TOPIC_SETTINGS.set(len(found))
    for reason in found:
        log.error("topic_would_lose_events", reason=reason)


async def check_redis_settings(client: RedisClient) -> None:
    """Log each server that may evict what the report counts, which nobody would notice."""
    found = await eviction_policies(client)
    metrics.EVICTING_SERVERS.set(len(found))
    for server, policy in found.items():
        log.error(
            "redis_would_lose_figures",
            reason=f"{server} has maxmemory-policy={policy}: what it evicts is missing from "
            "the report, and nothing reports it; set it to noeviction",
        )


def unsafe_settings(topic: str, configs: Mapping[str, str], retention_days: int) -> list[str]:
    """Why Kafka may lose events that the report still needs; each reason names the setting."""
    found = []
    policy = configs.get("cleanup.policy", "delete")
    if policy != "delete":
        found.append(
            f"topic {topic} has cleanup.policy={policy}: compaction removes a task's earlier "
            "events, so that the report cannot be folded again; set it to delete"
        )
    kept = int(configs.get("retention.ms", "-1"))
    if 0 <= kept < retention_days * DAY_MS:
        found.append(
            f"topic {topic} has retention.ms={kept}, {kept / DAY_MS:.1f} days, less than "
            f"OBZVON_RETENTION_DAYS={retention_days}: a rebuild would miss what is still shown; "
            f"set it to -1, or at least {retention_days * DAY_MS}"
        )
    return found


async def eviction_policies(client: RedisClient) -> dict[str, str]:
    """Policies, by server, of those that may evict keys without a time to live, as ours are.

    A server that refuses to answer (it may be forbidden to us) is left out.
    """
    try:
        if isinstance(client, RedisCluster):
            servers = await client.info("memory", target_nodes=RedisCluster.PRIMARIES)
        else:
            servers = {"Redis": await client.info("memory")}
    except ResponseError:
        return {}
    return {
        server: memory["maxmemory_policy"]
        for server, memory in servers.items()
        if memory.get("maxmemory_policy", "").startswith("allkeys") and memory.get("maxmemory")
    }
