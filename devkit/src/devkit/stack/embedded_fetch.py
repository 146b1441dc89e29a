"""A pause after empty fetches: the embedded Kafka answers a fetch at once, even without records.

A real broker waits up to `fetch.max.wait.ms` for records. noida-db 0.2.3 does not, so aiokafka
would ask it thousands of times a second and keep a processor busy for nothing. With the pause, the
consumer itself waits for a moment after an empty answer. For development and tests only.

``python -m devkit.stack.embedded_fetch MODULE [ARGUMENT…]`` runs a module with it.
"""

import asyncio
import functools
import runpy
import sys
from contextlib import suppress
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

PAUSE_S = 0.01
"""Seconds to wait after an empty answer: nobody notices the delay, and the processor rests."""


def pause_after_empty_fetches() -> None:
    """Let every aiokafka consumer of this process pause after an empty fetch. Idempotent."""
    fetch = Fetcher._proc_fetch_request  # noqa: SLF001 - aiokafka offers no other place
    if hasattr(fetch, "__wrapped__"):
        return

    @functools.wraps(fetch)
    async def fetch_then_pause(*arguments: Any) -> bool:
        has_found = bool(await fetch(*arguments))
        if not has_found:
            # The fetcher cancels a fetch it no longer needs, and still expects an answer.
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(PAUSE_S)
        return has_found

    Fetcher._proc_fetch_request = fetch_then_pause  # noqa: SLF001


if __name__ == "__main__":
    pause_after_empty_fetches()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
