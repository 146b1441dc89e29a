"""Publishing events: CloudEvents in structured mode, keyed by task, acknowledged by every replica."""

import asyncio
import os
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from pydantic import ValidationError
from pydantic_core import from_json
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from contracts.events import EVENT_ADAPTER, MAX_AHEAD_S, MAX_VALUE_BYTES, STRUCTURED_CONTENT_TYPE
from devkit.errors import StackError
from devkit.publishing.tracing import Sendings, traced_sendings

HEADERS = [("content-type", STRUCTURED_CONTENT_TYPE.encode())]
"""The header that marks structured mode (CloudEvents Kafka binding 1.0.2 §3.3)."""

IN_FLIGHT = 2_000
"""Events sent and not yet acknowledged, at most."""

REQUEST_TIMEOUT_MS = 15_000
"""After so long without an answer a request is sent again."""

STALLED_S = 20.0
"""Seconds without an acknowledgement, while some are due, after which Kafka is out of reach.

The idempotent producer itself never gives up: it tries again for ever.
"""

STOP_S = 2.0
"""Seconds to close the connections in; what Kafka has not taken by then it won't take."""

PLAIN_EVERY_S = 2.0
"""Seconds between two lines of progress where there is no terminal."""

MAX_RECORD_BYTES = 1_000_000
"""What a record may hold before the producer itself refuses it."""

_CHUNK = 256 * 1024
"""Bytes read from a file or pipe at once."""

Timestamps = Literal["now", "event"]


class Publisher:
    """Sends events to one topic; in order for each task, each of them once.

    `send` gives the event to the producer, and waits only while `IN_FLIGHT` others are under
    way; leaving the context waits until all are acknowledged. A broker out of reach is a
    `StackError`.
    """

    def __init__(self, bootstrap: str, topic: str, *, traces: Sendings | None = None) -> None:
        self.bootstrap = bootstrap
        self.topic = topic
        self.acknowledged = 0
        self.first_trace = ""
        """The traceparent of the first event sent, where traces are on."""
        self._traces = traces
        self._progressed = time.monotonic()
        self._settled = asyncio.Event()
        self._failure: BaseException | None = None
        self._pending: set[asyncio.Future[Any]] = set()
        self._producer: AIOKafkaProducer | None = None

    async def send(self, value: bytes, key: str | None, timestamp_ms: int | None = None) -> None:
        """Send one event. Without a timestamp the record bears the time of sending."""
        assert self._producer is not None, "enter the publisher first"
        await self._until_pending(IN_FLIGHT - 1)
        if not self._pending:
            self._progressed = time.monotonic()  # only now something is due
        sending = self._traces.begin(self.topic, value) if self._traces else None
        try:
            sent = await self._producer.send(
                self.topic,
                value,
                key=None if key is None else key.encode(),
                timestamp_ms=timestamp_ms,
                headers=[*HEADERS, *sending.headers] if sending else HEADERS,
            )
        except (KafkaError, OSError) as error:
            raise self._lost(error) from error
        if sending:
            self.first_trace = self.first_trace or sending.traceparent
            sent.add_done_callback(sending.end)
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
        await self._until_pending(0)

    async def _until_pending(self, most: int) -> None:
        """Wait until at most so many events are under way."""
        while len(self._pending) > most and self._failure is None:
            left = self._progressed + STALLED_S - time.monotonic()
            if left <= 0:
                self._failure = TimeoutError(f"no answer within {STALLED_S:.0f} s")
                break
            self._settled.clear()
            with suppress(TimeoutError):
                await asyncio.wait_for(self._settled.wait(), left)
        if self._failure is not None:
            raise self._lost(self._failure)

    def _lost(self, error: BaseException) -> StackError:
        return StackError(
            f"Kafka at {self.bootstrap} did not take the events for topic {self.topic} "
            f"({type(error).__name__}: {error}); {self.acknowledged} were acknowledged: "
            "publish the same file again, a repeat of an event changes nothing"
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
            with suppress(TimeoutError):  # stopping waits for what is due, and so for ever
                await asyncio.wait_for(self._producer.stop(), STOP_S)


@asynccontextmanager
async def publishing(bootstrap: str, topic: str) -> AsyncIterator[Publisher]:
    """A publisher, which traces what it sends if the environment says where traces go."""
    async with (
        traced_sendings() as traces,
        Publisher(bootstrap, topic, traces=traces) as publisher,
    ):
        yield publisher


@dataclass(frozen=True)
class Line:
    """A line of input: where it stands, and what is in it."""

    name: str
    number: int
    text: bytes

    @property
    def place(self) -> str:
        return f"{self.name}:{self.number}"


@dataclass(frozen=True)
class Ready:
    """An event that can be sent."""

    value: bytes
    key: str | None
    timestamp_ms: int | None


def checked(line: Line, timestamps: Timestamps, now: datetime) -> Ready | str:
    """The event of a line, or what is wrong with it: the field and the reason.

    What passes is never a dead letter because of its content.
    """
    if len(line.text) > MAX_VALUE_BYTES:
        return f"{len(line.text)} bytes: an event has {MAX_VALUE_BYTES} at most"
    try:
        event = EVENT_ADAPTER.validate_json(line.text)
    except ValidationError as error:
        return "; ".join(_problems(error))
    moment: datetime = event.time
    if timestamps == "now" and (moment - now).total_seconds() > MAX_AHEAD_S:
        return (
            f"time: {moment.isoformat()} is more than a day ahead; "
            "with --timestamps event the record would bear that time itself"
        )
    milliseconds = int(moment.timestamp() * 1000) if timestamps == "event" else None
    if milliseconds is not None and milliseconds < 0:
        return f"time: {moment.isoformat()} is before 1970, which no Kafka record can bear"
    return Ready(line.text, event.subject, milliseconds)


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors(include_url=False, include_context=False):
        # The union's tag comes first in the place; a person looks for the field below it.
        names = [str(part) for part in problem["loc"] if not str(part).endswith(".v1")]
        given = problem["input"]
        shown = f" (it is {given!r})" if isinstance(given, str | int | float) and names else ""
        yield f"{'.'.join(names) or 'event'}: {problem['msg']}{shown[:200]}"


def unchecked(line: Line, timestamps: Timestamps) -> Ready | str:
    """Whatever stands in the line, keyed by its subject if it has one that can be found."""
    if len(line.text) > MAX_RECORD_BYTES:
        return f"{len(line.text)} bytes: more than a Kafka record can hold"
    subject, milliseconds = None, None
    try:
        event = from_json(line.text)
        if isinstance(event, dict):
            subject = event.get("subject")
            if timestamps == "event":
                milliseconds = int(datetime.fromisoformat(event["time"]).timestamp() * 1000)
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        pass
    return Ready(line.text, subject if isinstance(subject, str) else None, milliseconds)


@asynccontextmanager
async def open_input(path: str) -> AsyncIterator["Input"]:
    """The file, or standard input for ``-``."""
    if path == "-":
        yield Input("stdin", 0)
        return
    try:
        descriptor = os.open(Path(path), os.O_RDONLY)
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            os.close(descriptor)
            raise IsADirectoryError(21, "Is a directory")
    except OSError as error:
        raise StackError(f"{path} cannot be read: {error.strerror}") from error
    try:
        yield Input(path, descriptor)
    finally:
        os.close(descriptor)


@dataclass
class Input:
    """Lines of a file, or of a pipe as they come."""

    name: str
    descriptor: int
    size: int = field(init=False)
    """Bytes in all, 0 where nobody can know."""
    read: int = 0

    def __post_init__(self) -> None:
        status = os.fstat(self.descriptor)
        self._is_file = stat.S_ISREG(status.st_mode)
        self.size = status.st_size if self._is_file else 0

    async def lines(self) -> AsyncIterator[Line]:
        """Every line that is not blank; a pipe is waited for without blocking anyone."""
        number, rest = 0, b""
        while chunk := await self._chunk():
            self.read += len(chunk)
            *whole, rest = (rest + chunk).split(b"\n")
            for text in whole:
                number += 1
                if stripped := text.strip():
                    yield Line(self.name, number, stripped)
        if stripped := rest.strip():
            yield Line(self.name, number + 1, stripped)

    async def _chunk(self) -> bytes:
        if not self._is_file:
            loop = asyncio.get_running_loop()
            readable = asyncio.Event()
            try:
                loop.add_reader(self.descriptor, readable.set)
            except PermissionError:  # /dev/null and the like are always readable
                return os.read(self.descriptor, _CHUNK)
            try:
                await readable.wait()
            finally:
                loop.remove_reader(self.descriptor)
        return os.read(self.descriptor, _CHUNK)


async def publish(
    path: str,
    bootstrap: str,
    topic: str,
    *,
    timestamps: Timestamps = "now",
    validate: bool = True,
    out: Console,
    err: Console,
) -> bool:
    """Publish every good line; whether all of them were good.

    Each bad line is named on `err` with its place, its field and the reason; nothing of it is
    sent. `out` gets the last line: how many events Kafka acknowledged.
    """
    bad = 0
    async with open_input(path) as source:
        async with publishing(bootstrap, topic) as publisher:
            with _progress(err, source, publisher) as advance:
                async for line in source.lines():
                    ready = (
                        checked(line, timestamps, datetime.now(UTC))
                        if validate
                        else unchecked(line, timestamps)
                    )
                    if isinstance(ready, str):
                        bad += 1
                        err.print(
                            f"{line.place}: {ready}", style="red", soft_wrap=True, markup=False
                        )
                    else:
                        await publisher.send(ready.value, ready.key, ready.timestamp_ms)
                    advance()
                await publisher.flush()
        count = publisher.acknowledged
    ended = f"published {count} event{'' if count == 1 else 's'}"
    if bad:
        ended += f", {bad} bad line{'' if bad == 1 else 's'} not sent"
    if publisher.first_trace:
        ended += f"; trace {publisher.first_trace.split('-')[1]}"
        ended += "" if count == 1 else " and others"
    out.print(ended)
    return bad == 0


@contextmanager
def _progress(
    console: Console, source: Input, publisher: Publisher
) -> Iterator[Callable[[], None]]:
    """What to call after each line: moves a bar on a terminal, says a line now and then elsewhere."""
    if console.is_terminal:
        columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[count]} events"))
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("publishing", total=source.size or None, count=0)

            def move() -> None:
                bar.update(task, completed=source.read, count=publisher.acknowledged)

            yield _at_most_every(0.1, move)
    else:
        yield _at_most_every(
            PLAIN_EVERY_S, lambda: console.print(f"{publisher.acknowledged} events so far")
        )


def _at_most_every(seconds: float, act: Callable[[], None]) -> Callable[[], None]:
    last = time.monotonic()

    def called() -> None:
        nonlocal last
        if (now := time.monotonic()) - last >= seconds:
            last = now
            act()

    return called
