"""Publishing a file: every good line is sent, every bad one is named."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn

from devkit.progress import BAR_EVERY_S, LINE_EVERY_S, at_most_every
from devkit.publishing.reading import Input, open_input
from devkit.publishing.sending import Publisher, open_publisher
from devkit.publishing.validation import Timestamps, check, take_unchecked


async def publish_file(
    path: str,
    bootstrap: str,
    topic: str,
    *,
    timestamps: Timestamps = "now",
    validate: bool = True,
    out: Console,
    err: Console,
) -> bool:
    """Publish every good line; returns whether all of them were good.

    Each bad line is reported on `err` with its place, its field and the reason, and is not sent. The
    last line, on `out`, says how many events Kafka acknowledged.
    """
    bad = 0
    async with open_input(path) as source:
        async with open_publisher(bootstrap, topic) as publisher:
            with _progress(err, source, publisher) as advance:
                async for line in source.lines():
                    prepared = (
                        check(line, timestamps, datetime.now(UTC))
                        if validate
                        else take_unchecked(line, timestamps)
                    )
                    if isinstance(prepared, str):
                        bad += 1
                        err.print(
                            f"{line.place}: {prepared}", style="red", soft_wrap=True, markup=False
                        )
                    else:
                        await publisher.send(prepared.value, prepared.key, prepared.timestamp_ms)
                    advance()
                await publisher.flush()
        count = publisher.acknowledged
    summary = f"published {count} event{'' if count == 1 else 's'}"
    if bad:
        summary += f", {bad} bad line{'' if bad == 1 else 's'} not sent"
    if publisher.first_trace:
        summary += f"; trace {publisher.first_trace.split('-')[1]}"
        summary += "" if count == 1 else " and others"
    out.print(summary)
    return bad == 0


@contextmanager
def _progress(
    console: Console, source: Input, publisher: Publisher
) -> Iterator[Callable[[], None]]:
    """What to call after each line: it moves a bar on a terminal, otherwise prints a line now and then."""
    if console.is_terminal:
        columns = (BarColumn(), TaskProgressColumn(), TextColumn("{task.fields[count]} events"))
        with Progress(*columns, console=console, transient=True) as bar:
            task = bar.add_task("publishing", total=source.size or None, count=0)

            def move() -> None:
                bar.update(task, completed=source.read, count=publisher.acknowledged)

            yield at_most_every(BAR_EVERY_S, move)
    else:
        yield at_most_every(
            LINE_EVERY_S, lambda: console.print(f"{publisher.acknowledged} events so far")
        )
