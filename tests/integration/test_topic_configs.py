"""A topic's settings as the broker tells them."""

from harness.projecting import projector_settings
from harness.topics import Topic
from projector.consumer.topic import doubts, read_configs


async def test_the_topics_we_create_keep_everything(topic: Topic, redis_url: str) -> None:
    options = projector_settings(topic, redis_url).kafka_options()
    configs = await read_configs(topic.events, options)
    assert (configs["cleanup.policy"], configs["retention.ms"]) == ("delete", "-1")
    assert doubts(topic.events, configs, 36_500) == []
