"""What the processes do on engines: `obzvon up`, days of events, questions, and mishaps."""

import asyncio
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx

from surface import monitor, redis_dump
from surface.checkout import Checkout, Ran
from surface.questions import QUESTIONS, SHOWN_HEADERS
from surface.stack import Stack, running_stack, until
from surface.texts import lines, sorted_lines, without_moments
from surface.topics import PARTITIONS, read_all, send

GOLDEN = Path(__file__).parents[1] / "fixtures" / "golden" / "days" / "events.jsonl"


def live(checkout: Checkout) -> Iterator[tuple[str, str]]:
    """(file name, text) of everything that only a running stack shows."""
    with running_stack(checkout) as stack:
        with monitor.watched(stack.state["redis"]) as commands:
            stack.redis.script_flush()
            published = stack.obzvon("publish", str(GOLDEN), "--timestamps", "event")
            stack.caught_up()
            yield "redis-days.txt", lines(redis_dump.lines(redis_dump.dump(stack.state["redis"])))
            yield "answers.txt", "".join(ask(stack))
            verified = stack.run("projector", "verify")
            yield from _mishaps(stack)
            redriven = stack.run("projector", "redrive", "--dry-run")
            simulated = stack.obzvon(
                *("simulate", "--seed", "3", "--tasks", "40", "--operators", "3"),
                *("--date", "2026-11-24", "--speed", "0"),
            )
            yield "simulated.txt", lines(_simulated(stack, simulated))
            rebuilt = stack.run("projector", "rebuild", "--keep-s", "0")
            key = stack.run("query_api", "keys", "create", "Hall 2")
            yield "redis-keys.txt", lines(_kinds_of_keys(stack))
            samples = (one for one in _samples(stack) if "obzvon_restores" not in one)
            yield "metric-samples.txt", lines(sorted(samples))
            yield from _troubles(stack)
        yield "scripts.lua", "\n\n".join(sorted(commands.scripts)) + "\n"
        yield "words-redis-commands.txt", lines(sorted(commands.names))
        ran = {
            "publish": published,
            "verify": verified,
            "redrive --dry-run": redriven,
            "simulate": simulated,
            "rebuild": rebuilt,
            "keys create": key,
        }
        codes = {name: one.code for name, one in ran.items()}
        yield "exit-codes-live.json", json.dumps(codes, indent=1) + "\n"
        yield (
            "words-live.txt",
            "".join(
                without_moments(f"$ {name}\n{sorted_lines(one.out + one.err)}\n")
                for name, one in ran.items()
            ),
        )


def ask(stack: Stack) -> Iterator[str]:
    """Every question of `QUESTIONS` with what the API answers."""
    api = stack.state["api"]
    with httpx.Client(base_url=api, trust_env=False, timeout=30) as client:
        tokens = {role: stack.obzvon("token", "--role", role).out.strip() for role in ROLES}
        for method, role, path in QUESTIONS:
            headers = {"Accept-Encoding": "identity"}
            if role:
                headers["Authorization"] = f"Bearer {tokens[role]}"
            with client.stream(method, path, headers=headers) as answer:
                body = _body(answer)
            shown = [
                f"{name}: {value}"
                for name, value in answer.headers.items()
                if name in SHOWN_HEADERS
            ]
            head = "\n".join(
                [f"{method} {path} as {role}", str(answer.status_code), *sorted(shown)]
            )
            yield without_moments(f"{head}\n\n{body}\n\n")


ROLES = ("head", "quality_control", "visitor")


def _body(answer: httpx.Response) -> str:
    """The text; of a stream its first event, of a spreadsheet only that it is one."""
    kind = answer.headers.get("content-type", "")
    if kind.startswith("text/event-stream"):
        text = ""
        for chunk in answer.iter_text():
            text += chunk
            if "\ndata:" in text and text.endswith("\n\n"):
                return text
        return text
    content = answer.read()
    if "spreadsheet" in kind:
        return "<a zip>" if content.startswith(b"PK") else "<no zip>"
    if answer.request.url.path == "/metrics":
        return "<metrics>"
    return content.decode()


def _mishaps(stack: Stack) -> Iterator[tuple[str, str]]:
    """A dead letter of every reason and a record in the wrong partition; what came of them."""
    kafka, events = stack.state["kafka"], stack.state["events_topic"]
    good = json.loads(GOLDEN.read_text().splitlines()[0])
    later = {**good, "id": "surface-1", "subject": "surface", "time": "2030-01-01T00:00:00+03:00"}
    invalid = {**good, "id": "surface-2", "subject": "surface", "data": {}}
    foreign = {**good, "id": "surface-3", "subject": "surface", "type": "task-sung.v1"}
    stray = {**good, "id": "surface-4", "subject": "surface"}
    binary = [
        *(("ce_specversion", b"1.0"), ("ce_id", b"surface-5"), ("ce_source", b"/crm")),
        *(("ce_type", b"task-planned.v1"), ("ce_subject", b"\xff"), ("ce_time", b"never")),
    ]

    def record(value: Any, key: bytes = b"surface", **more: Any) -> dict[str, Any]:
        body = value if isinstance(value, bytes | None) else json.dumps(value).encode()
        moment = {"timestamp_ms": 1_795_500_000_000}
        return {"value": body, "key": key, "partition": 0, **moment, **more}

    asyncio.run(
        send(
            kafka,
            events,
            [
                record(None),
                record(b"x" * 70_000),
                record(b"{"),
                record(foreign),
                record(invalid),
                record(good, key=b"another"),
                record(later),
                record(b"{}", headers=binary),
                record(b"{}", headers=[("a", b"x" * 950_000)]),
                *(record(stray, partition=partition) for partition in range(PARTITIONS)),
            ],
        )
    )
    stack.caught_up()
    letters = asyncio.run(read_all(kafka, stack.state["dead_letter_topic"]))
    forwarded = [
        one for one in asyncio.run(read_all(kafka, events)) if one.key == b"surface" and one.headers
    ]
    yield "kafka-dead-letters.txt", lines(map(_shown, letters))
    yield "kafka-forwarded.txt", lines(map(_shown, forwarded))
    found = redis_dump.dump(stack.state["redis"])
    yield (
        "redis-mishaps.txt",
        lines(
            line
            for line in redis_dump.lines(found)
            if re.match(r"g1:\{\d\}:(dead|meta)\t", line) or "surface" in line
        ),
    )


def _shown(record: Any) -> str:
    headers = [(name, _short(value)) for name, value in record.headers]
    return f"{record.partition} {record.key!r} {_short(record.value)} {headers}"


def _short(value: bytes | None) -> str:
    return repr(value if value is None or len(value) < 1_000 else (value[:40], len(value)))


def _simulated(stack: Stack, simulated: Ran) -> Iterator[str]:
    """The simulated day's events as they were published, and what the command reported."""
    records = asyncio.run(read_all(stack.state["kafka"], stack.state["events_topic"]))
    yield from (
        f"{record.partition} {record.key!r} {record.value!r}"
        for record in records
        if record.value and b'"/simulat' in record.value
    )
    yield str(simulated.code)


def _kinds_of_keys(stack: Stack) -> Iterator[str]:
    """Every key that is no shard's in both databases, with its type and fields, without values."""
    for database in (0, 1):
        url = stack.state["redis"].removesuffix("/0") + f"/{database}"
        for key, value in redis_dump.dump(url).items():
            if not re.match(r"g\d+:\{", key):
                shape = list(value) if isinstance(value, dict) else "text"
                yield f"{database} {re.sub('[0-9a-f]{8,}', '<id>', f'{key} {shape}')}"


def _samples(stack: Stack) -> set[str]:
    """Names and labels of all samples of both services, without their values.

    Without those that depend on how long something took: how often /readyz was asked, buckets.
    """
    found = set()
    for service in ("projector", "api"):
        text = httpx.get(f"{stack.state[service]}/metrics", trust_env=False).text
        for line in text.splitlines():
            name = line.rpartition(" ")[0]
            if line.startswith("obzvon") and not re.search(r"_bucket\{|_created|/readyz", name):
                found.add(f"{service} {name}")
    return found


def _troubles(stack: Stack) -> Iterator[tuple[str, str]]:
    """Shards whose state was changed by others: how /readyz and the metrics name the reasons."""
    live_ = json.loads(stack.redis.get("obzvon:live") or "{}")["generation"]
    changes: list[dict[str, str]] = [
        {"epoch": "900-feedfeedfeedfeed", "seq": "900000"},
        {"seq": "1"},
        {"status": "retired"},
        {"epoch": "900-feedfeedfeedfeed", "fingerprint": "{}"},
    ]
    for shard, change in enumerate(changes):
        for field, value in change.items():
            stack.redis.hset(f"{live_}:{{{shard}}}:meta", field, value)

    def reasons() -> set[str]:
        return {line for line in _samples(stack) if "restores_total" in line}

    until(lambda: len(reasons()) >= 4)  # assigned, superseded, rolled back, retired
    url = f"{stack.state['projector']}/readyz"
    until(lambda: "parked" in httpx.get(url, trust_env=False).text)
    yield "troubles-metrics.txt", lines(sorted(reasons()))
    ready = json.dumps(httpx.get(url, trust_env=False).json(), indent=1, sort_keys=True)
    yield "words-readyz.txt", without_moments(ready) + "\n"
