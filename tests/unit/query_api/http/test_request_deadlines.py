"""Responses that take too long to start are cancelled in time, and only those."""

import asyncio
from typing import Any

import pytest
from starlette.types import Message, Receive, Scope, Send

from query_api.http.middleware.request_limits import RequestLimitsMiddleware

BEGINNING = {"type": "http.response.start", "status": 200, "headers": []}
END = {"type": "http.response.body", "body": b""}


def request() -> Scope:
    return {"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": []}


async def receive() -> Message:
    return {"type": "http.request", "body": b"", "more_body": False}


class Wire:
    """What was sent to the client."""

    def __init__(self) -> None:
        self.statuses: list[int] = []

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.statuses.append(message["status"])


def limits(app: Any, timeout_s: float = 0.05) -> RequestLimitsMiddleware:
    return RequestLimitsMiddleware(app, max_body_bytes=1_000, timeout_s=timeout_s)


async def never(scope: Scope, receive: Receive, send: Send) -> None:
    await asyncio.Event().wait()


async def test_each_of_many_slow_responses_becomes_a_503() -> None:
    guarded, wires = limits(never), [Wire() for _ in range(20)]
    for some in (wires[:10], wires[10:]):  # the timer is set again for the second half
        async with asyncio.timeout(5):
            await asyncio.gather(*(guarded(request(), receive, wire.send) for wire in some))
    assert [wire.statuses for wire in wires] == [[503]] * 20


async def test_response_that_has_started_is_not_interrupted() -> None:
    done, wire, other = asyncio.Event(), Wire(), Wire()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] == "HEAD":
            await never(scope, receive, send)
        await send(BEGINNING)
        await done.wait()
        await send(END)

    guarded = limits(app)
    begun = asyncio.create_task(guarded(request(), receive, wire.send))
    await guarded({**request(), "method": "HEAD"}, receive, other.send)  # as old, and overdue
    assert other.statuses == [503]
    assert not begun.done()
    done.set()
    await begun
    assert wire.statuses == [200]


async def test_a_request_that_its_client_gives_up_is_cancelled_not_answered() -> None:
    wire = Wire()
    asked = asyncio.create_task(limits(never, timeout_s=60)(request(), receive, wire.send))
    await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert wire.statuses == []


async def test_simultaneous_outside_cancellation_takes_precedence() -> None:
    wire = Wire()
    guarded = limits(never, timeout_s=60)
    asked = asyncio.create_task(guarded(request(), receive, wire.send))
    await asyncio.sleep(0)
    guarded._deadlines._due[asked] = 0
    guarded._deadlines._cancel_overdue()
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    assert wire.statuses == []


async def test_nothing_is_kept_after_a_request_ends() -> None:
    async def quick(scope: Scope, receive: Receive, send: Send) -> None:
        await send(BEGINNING)

    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise ValueError

    async def stubborn(scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            await send(BEGINNING)

    for app in (quick, broken, stubborn, never):
        guarded = limits(app)
        asked = asyncio.create_task(guarded(request(), receive, Wire().send))
        await asyncio.gather(asked, return_exceptions=True)
        assert not guarded._deadlines._due
        assert not guarded._deadlines._cancelled
