"""Which Kafka and Redis a benchmark runs on: the embedded ones, or those named outside."""

import os
import tempfile
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from devkit.engines import EmbeddedKafka, EmbeddedRedis


@asynccontextmanager
async def engines() -> AsyncIterator[tuple[str, str]]:
    """(Kafka's bootstrap address, Redis' URL); said on stdout, since figures depend on them."""
    kafka = os.environ.get("OBZVON_TEST_KAFKA")
    redis = os.environ.get("OBZVON_TEST_REDIS")
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        said = [
            f"Kafka: {'given, ' + kafka if kafka else 'embedded (noida-db)'}",
            f"Redis: {'given, ' + redis if redis else 'embedded (valkey-server)'}",
        ]
        if kafka is None:
            kafka = (await stack.enter_async_context(EmbeddedKafka(folder / "kafka"))).bootstrap
        if redis is None:
            redis = (await stack.enter_async_context(EmbeddedRedis(folder / "redis"))).url
        print("Engines:", "; ".join(said), flush=True)
        yield kafka, redis
