"""The FastStream broker: one batch subscriber that hands raw records to the assignment.

Why it is set up as it is (each default would lose or repeat records silently):

- the parser is ours: FastStream's decodes every record, and one bad header skips the batch;
- ack_policy MANUAL: the default commits before the handler has run;
- read_committed: an aborted transaction's events did not happen;
- round robin assignment, no static membership: aiokafka's cooperative one is not to be trusted.
"""

from typing import Any

from aiokafka import ConsumerRecord
from faststream import AckPolicy
from faststream.kafka import KafkaBroker, KafkaMessage
from faststream.kafka.message import FAKE_CONSUMER
from faststream.security import BaseSecurity, SASLPlaintext, SASLScram256, SASLScram512

from projector.consumer.assignment import Assignment
from projector.consumer.event_log import FETCH_BYTES
from projector.settings import Settings

BATCH_TIMEOUT_MS = 20
"""Milliseconds an empty poll waits; FastStream then sleeps as long once more."""

METADATA_MS = 5_000
"""Milliseconds after which the group looks again whether the topic is there, and how large: a topic
that was deleted and created again would otherwise be without an owner for five minutes."""

Records = tuple[ConsumerRecord, ...]


async def _parse(records: Records) -> KafkaMessage:
    return KafkaMessage(raw_message=records, body=b"", headers={}, consumer=FAKE_CONSUMER)


async def _decode(message: KafkaMessage) -> Any:
    return message.raw_message


def _security(settings: Settings) -> BaseSecurity | None:
    options = settings.kafka_options()
    context = options.get("ssl_context")
    if settings.kafka_security_protocol == "PLAINTEXT":
        return None
    if not settings.kafka_security_protocol.startswith("SASL"):
        return BaseSecurity(ssl_context=context, use_ssl=True)
    kind = {
        "PLAIN": SASLPlaintext,
        "SCRAM-SHA-256": SASLScram256,
        "SCRAM-SHA-512": SASLScram512,
    }[settings.kafka_sasl_mechanism]
    return kind(
        username=settings.kafka_sasl_username or "",
        password=settings.kafka_sasl_password or "",
        ssl_context=context,
        use_ssl=context is not None,
    )


def subscribe(settings: Settings, assignment: Assignment, group_id: str) -> KafkaBroker:
    """A broker, not yet started, whose records go to `assignment`."""
    broker = KafkaBroker(
        settings.kafka_bootstrap_servers.split(","),
        security=_security(settings),
        allow_auto_create_topics=False,
        consumer_only=True,
        apply_types=False,
        graceful_timeout=10,
        metadata_max_age_ms=METADATA_MS,
        logger=None,
    )
    subscriber = broker.subscriber(
        settings.events_topic,
        batch=True,
        max_records=settings.batch_records,
        batch_timeout_ms=BATCH_TIMEOUT_MS,
        group_id=group_id,
        listener=assignment,
        ack_policy=AckPolicy.MANUAL,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        max_partition_fetch_bytes=FETCH_BYTES,
        session_timeout_ms=settings.session_timeout_ms,
        heartbeat_interval_ms=max(settings.session_timeout_ms // 3, 300),
        parser=_parse,
        decoder=_decode,
        no_reply=True,
    )

    @subscriber
    async def handle(records: Any) -> None:
        await assignment.handle(records)

    assignment.consumer_of = lambda: subscriber.consumer
    return broker
