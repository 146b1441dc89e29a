"""Waiting until the services of a stack are ready, and what they say if they are not."""

import asyncio
from collections.abc import Mapping

import httpx

from devkit.errors import StackError
from devkit.stack.processes import Child

READY_TIMEOUT_S = 60.0
"""Seconds within which the projector and the API must be ready."""

POLL_S = 0.2
"""Seconds between two checks whether the services are ready."""


async def wait_until_ready(children: list[Child], urls: Mapping[str, str]) -> None:
    """Wait until every URL answers that its service is ready.

    A child that ends, or too long a wait, is a `StackError`. A projector with parked shards counts
    as ready: waiting does not help it, and what helps needs a running stack.
    """
    waiting = dict(urls)
    last: dict[str, str] = {}
    give_up = asyncio.get_running_loop().time() + READY_TIMEOUT_S
    async with httpx.AsyncClient(timeout=5.0, trust_env=False) as client:
        while waiting:
            for name, url in list(waiting.items()):
                answer = await try_get(client, url)
                if answer is not None and (answer.status_code == 200 or parked_shards(answer)):
                    del waiting[name]
                elif answer is not None:
                    last[name] = " ".join(answer.text.split())
            for child in children:
                if not child.is_running:
                    raise StackError(child.how_it_ended())
            if waiting and asyncio.get_running_loop().time() > give_up:
                name = next(iter(waiting))
                says = last.get(name, "it does not answer")
                raise StackError(
                    f"the {name} is not ready after {READY_TIMEOUT_S:.0f} s: {says} "
                    f"(logs: {children[0].log.parent})"
                )
            await asyncio.sleep(POLL_S)


async def try_get(client: httpx.AsyncClient, url: str) -> httpx.Response | None:
    """Returns the answer, whatever its status; None if there is none."""
    try:
        return await client.get(url)
    except httpx.HTTPError:
        return None


def parked_shards(answer: httpx.Response | None) -> list[str]:
    """Returns why shards are parked, one reason a shard, from an answer of the projector's /readyz."""
    if answer is None or answer.status_code == 200:
        return []
    try:
        shards = answer.json().get("shards", {})
        return [reason for reason in shards.values() if reason.startswith("parked")]
    except (ValueError, AttributeError):
        return []
