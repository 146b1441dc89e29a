"""The whole OpenAPI from outside: no 5xx, and no response that it does not describe."""

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis.asyncio
import schemathesis
from hypothesis import HealthCheck, Phase, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from support.api import served_api
from support.events import DAY
from support.golden import day_events
from support.issuer import running_issuer
from support.paths import ROOT
from support.writer import Writer

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    negative_data_rejection,
]

ENDLESS = "/api/v1/stream"
"""A stream is not a response that ends: it has tests of its own."""


@pytest.fixture(scope="module")
def served(redis_server: str) -> Iterator[tuple[str, str]]:
    """Returns the address of an API in a thread of its own (schemathesis does not await) and a token."""
    ready: list[tuple[str, str]] = []
    up, down = threading.Event(), threading.Event()

    async def serve() -> None:
        client = redis.asyncio.from_url(redis_server)
        await client.flushall()
        writer = await Writer(client).start()
        await writer.write(day_events()[:800])
        async with (
            running_issuer() as issuer,
            served_api(
                redis_server,
                issuer,
                f"{DAY}T15:00:00+03:00",
                access_redis_url=redis_server,
                rate_limit_unknown="none",
            ) as api,
        ):
            ready.append((str(api.client.base_url), issuer.token("head")))
            up.set()
            await asyncio.to_thread(down.wait)
        await client.aclose()

    thread = threading.Thread(target=asyncio.run, args=(serve(),))
    thread.start()
    try:
        assert up.wait(30)
        yield ready[0]
    finally:
        down.set()
        thread.join()


SCHEMA = schemathesis.openapi.from_path(ROOT / "services" / "query_api" / "openapi.json")


@SCHEMA.exclude(path=ENDLESS).parametrize()
@settings(
    max_examples=25,
    derandomize=True,
    deadline=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_response_matches_the_openapi(
    case: schemathesis.Case[Any], served: tuple[str, str]
) -> None:
    address, token = served
    headers = {"Authorization": f"Bearer {token}"}

    case.call_and_validate(base_url=address, headers=headers, checks=CHECKS, timeout=10)


@SCHEMA.include(path_regex="^/api/v1/").parametrize()
@settings(
    max_examples=5,
    derandomize=True,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_without_a_credential_nothing_is_answered(
    case: schemathesis.Case[Any], served: tuple[str, str]
) -> None:
    address, _ = served

    answer = case.call(base_url=address, timeout=10)

    assert answer.status_code in (401, 403, 413, 414, 422, 429, 431)
