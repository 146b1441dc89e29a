"""Settings of Kafka and Redis that would lose a part of the report."""

import redis.asyncio

from projector.consumer.topic import read_configs
from projector.preflight import eviction_policies, unsafe_settings
from projector.store.client import connect
from runtime.redis import RedisClient
from support.projecting import projector_settings
from support.topics import Topic


async def test_topics_created_by_us_keep_everything(topic: Topic, redis_url: str) -> None:
    options = projector_settings(topic, redis_url).kafka_options()
    configs = await read_configs(topic.events, options)
    assert (configs["cleanup.policy"], configs["retention.ms"]) == ("delete", "-1")
    assert unsafe_settings(topic.events, configs, 36_500) == []


async def test_redis_that_may_evict_keys_is_reported(redis_url: str) -> None:
    admin: RedisClient = redis.asyncio.from_url(redis_url)
    client = connect(redis_url)
    try:
        assert await eviction_policies(client) == {}
        await admin.config_set("maxmemory-policy", "allkeys-lru")
        assert await eviction_policies(client) == {}  # it has no limit of memory
        await admin.config_set("maxmemory", "1gb")
        assert await eviction_policies(client) == {"Redis": "allkeys-lru"}
        await admin.config_set("maxmemory-policy", "volatile-lru")
        assert await eviction_policies(client) == {}  # none of our keys expires
        await admin.execute_command("ACL", "SETUSER", "untold", "on", ">x", "~*", "+@all", "-info")
        untold = connect(redis_url.replace("://", "://untold:x@"))
        assert await eviction_policies(untold) == {}
        await untold.aclose()
    finally:
        await admin.config_set("maxmemory", "0")
        await admin.config_set("maxmemory-policy", "noeviction")
        await admin.execute_command("ACL", "DELUSER", "untold")
        await client.aclose()
        await admin.aclose()
