"""How a topic is set up, and what of it would cost the report its past."""

from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

DAY_MS = 24 * 60 * 60 * 1_000


async def configs_of(admin: AIOKafkaAdminClient, topic: str) -> dict[str, str]:
    """The topic's settings by name, those that have a value."""
    asked = ConfigResource(ConfigResourceType.TOPIC, topic)
    answers = await admin.describe_configs([asked])
    return {
        name: value
        for answer in answers
        for resource in answer.resources
        for name, value, *_ in resource[4]
        if value is not None
    }


async def read_configs(topic: str, options: Mapping[str, Any]) -> dict[str, str]:
    """`configs_of`, by a client of its own."""
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    try:
        return await configs_of(admin, topic)
    finally:
        await admin.close()


def doubts(topic: str, configs: Mapping[str, str], retention_days: int) -> list[str]:
    """Why Kafka may lose events that the report still needs; each names the setting."""
    found = []
    policy = configs.get("cleanup.policy", "delete")
    if policy != "delete":
        found.append(
            f"topic {topic} has cleanup.policy={policy}: compaction removes a task's earlier "
            "events, so that the report cannot be folded anew; set it to delete"
        )
    kept = int(configs.get("retention.ms", "-1"))
    if 0 <= kept < retention_days * DAY_MS:
        found.append(
            f"topic {topic} has retention.ms={kept}, {kept / DAY_MS:.1f} days, less than "
            f"OBZVON_RETENTION_DAYS={retention_days}: a rebuild would miss what is still shown; "
            f"set it to -1, or at least {retention_days * DAY_MS}"
        )
    return found
