"""Sending events to Kafka: CloudEvents in structured mode, keyed by task, acknowledged by every replica."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from types import TracebackType
from typing import Any, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from contracts.events import STRUCTURED_CONTENT_TYPE
from devkit.errors import StackError
from devkit.publishing.tracing import SendSpans, send_spans

HEADERS = [("content-type", STRUCTURED_CONTENT_TYPE.encode())]
"""The header that marks structured mode (CloudEvents Kafka binding 1.0.2 §3.3)."""

IN_FLIGHT = 2_000
"""How many events may be sent and not yet acknowledged, at most."""

REQUEST_TIMEOUT_MS = 15_000
"""Milliseconds without an answer after which a request is sent again."""

STALLED_S = 20.0
"""Seconds without a single acknowledgement after which Kafka counts as unreachable.

The idempotent producer itself never gives up.
"""

STOP_S = 2.0
"""Seconds for closing the connections; what Kafka has not taken by then is lost."""


class Publisher:
    """Sends events to one topic, in order for each task and without duplicates.

    `send` passes the event to the producer, and waits only while `IN_FLIGHT` others are not yet
    acknowledged; leaving the context waits for all of them. An unreachable broker is a `StackError`.
    """

    def __init__(self, bootstrap: str, topic: str, *, spans: SendSpans | None = None) -> None:
        self.bootstrap = bootstrap
        self.topic = topic
        self.acknowledged = 0
        self.first_trace = ""
        """The traceparent of the first event sent, if traces are on."""
        self._spans = spans
        self._progressed = time.monotonic()
        self._settled = asyncio.Event()
        self._failure: BaseException | None = None
        self._pending: set[asyncio.Future[Any]] = set()
        self._producer: AIOKafkaProducer | None = None

    async def send(self, value: bytes, key: str | None, timestamp_ms: int | None = None) -> None:
        """Send one event. Without a timestamp the record has the time of sending."""
        assert self._producer is not None, "enter the publisher first"
        await self._wait_until_pending(IN_FLIGHT - 1)
        if not self._pending:
            self._progressed = time.monotonic()  # the wait for acknowledgements begins only now
        span = self._spans.begin(self.topic, value) if self._spans else None
        try:
            sent = await self._producer.send(
                self.topic,
                value,
                key=None if key is None else key.encode(),
                timestamp_ms=timestamp_ms,
                headers=[*HEADERS, *span.headers] if span else HEADERS,
            )
        except (KafkaError, OSError) as error:
            raise self._refused_by_kafka(error) from error
        if span:
            self.first_trace = self.first_trace or span.traceparent
            sent.add_done_callback(span.end)
        self._pending.add(sent)
        sent.add_done_callback(self._settle)

    def _settle(self, sent: asyncio.Future[Any]) -> None:
        self._pending.discard(sent)
        self._settled.set()
        if sent.cancelled():
            self._failure = self._failure or TimeoutError("sending was cancelled")
        elif error := sent.exception():
            self._failure = self._failure or error
        else:
            self.acknowledged += 1
            self._progressed = time.monotonic()

    async def flush(self) -> None:
        """Wait until everything sent is acknowledged."""
        await self._wait_until_pending(0)

    async def _wait_until_pending(self, most: int) -> None:
        """Wait until at most so many events are not yet acknowledged."""
        while len(self._pending) > most and self._failure is None:
            left = self._progressed + STALLED_S - time.monotonic()
            if left <= 0:
                self._failure = TimeoutError(f"no answer within {STALLED_S:.0f} s")
                break
            self._settled.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), left)
        if self._failure is not None:
            raise self._refused_by_kafka(self._failure)

    def _refused_by_kafka(self, error: BaseException) -> StackError:
        return StackError(
            f"Kafka at {self.bootstrap} did not take the events for topic {self.topic} "
            f"({type(error).__name__}: {error}); {self.acknowledged} were acknowledged: "
            "publish the same file again, a repeated event changes nothing"
        )

    async def __aenter__(self) -> Self:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=self.bootstrap,
            enable_idempotence=True,
            acks="all",
            linger_ms=5,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
        )
        try:
            await self._producer.start()
        except (KafkaError, OSError) as error:
            await self._producer.stop()
            raise StackError(
                f"no Kafka answers at {self.bootstrap}: start the stack with `obzvon up`, or name "
                "a running broker with --bootstrap"
            ) from error
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._producer is not None
        try:
            if error is None:
                await self.flush()
        finally:
            with suppress(
                TimeoutError
            ):  # stopping waits for all acknowledgements, perhaps for ever
                await asyncio.wait_for(self._producer.stop(), STOP_S)


@asynccontextmanager
async def open_publisher(bootstrap: str, topic: str) -> AsyncIterator[Publisher]:
    """A publisher that traces what it sends, if OBZVON_TRACES_ENDPOINT says where traces go."""
    async with (
        send_spans() as spans,
        Publisher(bootstrap, topic, spans=spans) as publisher,
    ):
        yield publisher
