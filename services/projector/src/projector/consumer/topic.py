"""How a topic is set up."""

from collections.abc import Mapping
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType


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
