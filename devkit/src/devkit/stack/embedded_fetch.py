"""Living with how the embedded Kafka answers a fetch: at once, also when there is nothing.

A real broker waits for records, `fetch.max.wait.ms` long; noida-db 0.2.3 does not, so aiokafka asks
it again and again, thousands of times a second, and keeps a processor busy with nothing. Here the
consumer itself waits for a moment after an empty answer. Development and tests only.

``python -m devkit.stack.embedded_fetch MODULE [ARGUMENT…]`` runs a module so.
"""

import asyncio
import functools
import runpy
import sys
from contextlib import suppress
from typing import Any

from aiokafka.consumer.fetcher import Fetcher

PAUSE_S = 0.01
"""Seconds to wait after an empty answer: no one notices so much delay, and the processor rests."""


def pause_after_empty_fetches() -> None:
    """Let every aiokafka consumer of this process wait so. Twice is once."""
    fetch = Fetcher._proc_fetch_request  # noqa: SLF001 - aiokafka offers no other place
    if hasattr(fetch, "__wrapped__"):
        return

    @functools.wraps(fetch)
    async def fetch_then_pause(*arguments: Any) -> bool:
        has_found = bool(await fetch(*arguments))
        if not has_found:
            # The fetcher cancels what it no longer wants and expects an answer all the same.
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(PAUSE_S)
        return has_found

    Fetcher._proc_fetch_request = fetch_then_pause  # noqa: SLF001


if __name__ == "__main__":
    pause_after_empty_fetches()
    del sys.argv[0]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
