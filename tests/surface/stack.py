"""A running `obzvon up` of a checkout."""

import asyncio
import json
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import redis

from surface.checkout import Checkout, Ran, clean_environment
from surface.topics import PARTITIONS, end_offsets

_SETTINGS = {
    "OBZVON_NOW": "2026-11-24T12:00:00+03:00",
    "OBZVON_RETENTION_DAYS": "36500",  # so that golden's dates are never too old
    "OBZVON_RATE_LIMIT": "none",
}


class Stack:
    """A running `obzvon up` of a checkout."""

    def __init__(self, checkout: Checkout, data_dir: Path) -> None:
        self.checkout = checkout
        self.data_dir = data_dir
        self.state: dict[str, Any] = json.loads((data_dir / "stack.json").read_text())
        self.redis = redis.Redis.from_url(self.state["redis"], decode_responses=True)

    def run(self, *command: str) -> Ran:
        """Run a service's own command with the settings of this stack."""
        return self.checkout.run("python", "-m", *command, env=self.state["settings"])

    def obzvon(self, command: str, *arguments: str) -> Ran:
        return self.checkout.run("obzvon", command, "--data-dir", self.data_dir, *arguments)

    def caught_up(self) -> None:
        """Wait until every shard is at the end of its partition, and has written how fresh it is."""

        def is_caught_up() -> bool:
            metas = [self.redis.hgetall(f"g1:{{{n}}}:meta") for n in range(PARTITIONS)]
            if not all(m.get("offset") == m.get("end_offset") and m.get("as_of") for m in metas):
                return False
            # What was forwarded moves them on, so they are asked for again each time.
            ends = asyncio.run(end_offsets(self.state["kafka"], self.state["events_topic"]))
            return [int(meta["offset"]) for meta in metas] == ends

        until(is_caught_up)


def until(condition: Callable[[], Any], within_s: float = 60.0) -> None:
    give_up = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > give_up:
            raise TimeoutError(f"not within {within_s:.0f} s")
        time.sleep(0.1)


@contextmanager
def running_stack(checkout: Checkout) -> Iterator[Stack]:
    with TemporaryDirectory() as folder:
        data_dir = Path(folder) / "stack"
        ports = ("--kafka-port", "0", "--redis-port", "0", "--api-port", "0")
        log = Path(folder) / "up.log"
        with log.open("w") as output:
            process = subprocess.Popen(
                [
                    *(checkout.path / ".venv/bin/obzvon", "up", "--data-dir", data_dir),
                    *(*ports, "--partitions", str(PARTITIONS)),
                ],
                env=clean_environment(_SETTINGS),
                stdout=output,
                stderr=output,
            )
        try:
            until(lambda: (data_dir / "stack.json").exists() or process.poll() is not None)
            if process.poll() is not None:
                raise RuntimeError(log.read_text())
            yield Stack(checkout, data_dir)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)
