"""Live reports: one channel per report that somebody watches, however many do.

A channel computes and encodes its report once per change and wakes its listeners. Each of them
takes the newest report when it is ready to send, so a slow one skips reports and delays nobody.
"""

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from contextvars import Context
from typing import Final

import structlog
from pydantic_core import to_json

from query_api import metrics
from query_api.auth import RECHECK_S, Access, Caller
from query_api.http.content_coding import IDENTITY
from query_api.http.parameters import ReportRequest
from query_api.live.reports import ComputedReport, Reports
from query_api.reader.errors import Unavailable
from query_api.report.freshness import Freshness
from query_api.report.moments import minute_of
from query_api.report.report_json import freshness_json

log = structlog.get_logger()

COALESCE_S: Final = 0.25
"""Seconds within which several changes become one push."""

FRESHNESS_S: Final = 5.0
"""Seconds after which the freshness is sent again."""

LOOK_S: Final = 1.0
"""Seconds after which a channel looks at the clock, whatever happens: a new day may have begun."""

RECONNECT_MS: Final = 2_000
"""Milliseconds after which a browser reconnects when a stream has ended."""


class TooMany(Exception):
    """There can't be more streams, for this caller or for anyone."""

    def __init__(self, detail: str, *, is_callers_fault: bool) -> None:
        super().__init__(detail)
        self.is_callers_fault = is_callers_fault


class Channel:
    """One watched report: its newest events, and a signal when there is a newer one."""

    def __init__(self, request: ReportRequest, reports: Reports, build: str | None = None) -> None:
        self._request = request
        self._reports = reports
        self._build = to_json(build)
        self._task: asyncio.Task[None] | None = None
        self._is_closed = False
        """A cancellation alone is not enough: Python 3.11's wait_for can lose it."""
        self.listeners = 0
        self.tag = ""
        self.report = b""
        self.freshness = b""
        self.freshness_count = 0
        """How often the freshness has been sent."""
        self.changed = asyncio.Event()
        """Set once, at the next report or freshness: take it before looking for either."""

    async def open(self) -> None:
        """Get a first report; raises `Unavailable`."""
        if self.freshness_count == 0:
            self._take(*await self._look())
        if self._task is None:
            # In a context of its own: what it logs must not have the id of the first request.
            self._task = asyncio.create_task(self._follow(), name="channel", context=Context())

    def close(self) -> None:
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()
        self.changed.set()

    async def _look(self) -> tuple[ComputedReport, Freshness]:
        return await self._reports.report(self._request.query(self._reports.today()))

    async def _follow(self) -> None:
        time = asyncio.get_running_loop().time
        next_freshness = time() + FRESHNESS_S
        while not self._is_closed:
            snapshot_changed = self._reports.mirror.changed
            patience = LOOK_S
            try:
                computed, fresh = await self._look()
                is_due = time() >= next_freshness
                if is_due:
                    next_freshness = time() + FRESHNESS_S
                if self._take(computed, fresh, with_freshness=is_due):
                    await asyncio.sleep(COALESCE_S)
                patience = min(LOOK_S, self._seconds_to(computed.until))
            except Unavailable as gone:
                log.warning("channel_sees_nothing", reason=str(gone))
            except Exception:  # otherwise its listeners would have a dead channel
                log.exception("channel_failed")
            patience = max(0.0, min(patience, next_freshness - time()))
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(snapshot_changed.wait(), patience)

    def _seconds_to(self, minute: int) -> float:
        """Returns the seconds until the report's clock reaches a minute since 1970, or `LOOK_S`."""
        now = self._reports.now()
        away = minute - minute_of(now)
        if away > 1:
            return LOOK_S
        return max(0.001, minute * 60 - now.timestamp())

    def _take(
        self, computed: ComputedReport, fresh: Freshness, *, with_freshness: bool = True
    ) -> bool:
        """Takes in the newest report; returns whether its figures are new."""
        is_new = computed.json.etag != self.tag
        if not is_new and not with_freshness:
            return False
        zone = self._reports.zone
        self.tag = computed.json.etag
        payload = computed.payload(fresh, IDENTITY, zone)
        self.report = _event("report", payload, event_id(self.tag))
        if with_freshness:
            part = freshness_json(fresh, computed.computed_at, zone)
            self.freshness = _event("freshness", b'{%b,"build":%b}' % (part[1:], self._build))
            self.freshness_count += 1
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()
        if is_new:
            self._reports.traces.pushed(computed.new, self.listeners)
        return is_new


class Channels:
    """All open streams of the process."""

    def __init__(
        self,
        reports: Reports,
        access: Access,
        *,
        limit: int,
        limit_per_caller: int,
        build: str | None = None,
    ) -> None:
        """`build` is that of the page, which the freshness tells; None if there is none."""
        self._reports = reports
        self._access = access
        self._build = build
        self._limit = limit
        self._limit_per_caller = limit_per_caller
        self._channels: dict[ReportRequest, Channel] = {}
        self._per_caller: Counter[str] = Counter()
        self.is_closing = False
        self.open = 0
        self.reports_sent = 0

    def close(self) -> None:
        """End every stream; otherwise a stopping server would wait for them."""
        self.is_closing = True
        for channel in self._channels.values():
            channel.close()

    async def subscribe(
        self, request: ReportRequest, caller: Caller, last_event_id: str | None
    ) -> "Subscription":
        """Returns a stream of events; raises `TooMany` or `Unavailable` before it begins."""
        if self.is_closing:
            raise TooMany("The API is stopping: come back in a moment.", is_callers_fault=False)
        if self.open >= self._limit:
            raise TooMany(f"All {self._limit} streams are taken.", is_callers_fault=False)
        if self._per_caller[caller.rate_key] >= self._limit_per_caller:
            raise TooMany(
                f"This caller has {self._limit_per_caller} streams open: close one first.",
                is_callers_fault=True,
            )
        channel = self._channels.get(request)
        if channel is None:
            channel = self._channels[request] = Channel(request, self._reports, self._build)
        channel.listeners += 1
        self.open += 1
        self._per_caller[caller.rate_key] += 1
        subscription = Subscription(self, request, channel, caller, last_event_id)
        try:
            await channel.open()
        except BaseException:
            subscription.end()
            raise
        return subscription

    async def may_go_on(self, caller: Caller) -> bool:
        return await self._access.still_allowed(caller)

    def now(self) -> float:
        return self._access.now()

    def leave(self, request: ReportRequest, channel: Channel, caller: Caller) -> None:
        self.open -= 1
        self._per_caller[caller.rate_key] -= 1
        if not self._per_caller[caller.rate_key]:
            del self._per_caller[caller.rate_key]
        channel.listeners -= 1
        if not channel.listeners:
            channel.close()
            if self._channels.get(request) is channel:
                del self._channels[request]


class Subscription:
    """One open stream. Always call `end`: it counts as open until then."""

    def __init__(
        self,
        channels: Channels,
        request: ReportRequest,
        channel: Channel,
        caller: Caller,
        last_event_id: str | None,
    ) -> None:
        self._channels = channels
        self._request = request
        self._channel = channel
        self._caller = caller
        self._seen = last_event_id
        self._is_over = False

    def end(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._channels.leave(self._request, self._channel, self._caller)

    async def events(self) -> AsyncIterator[bytes]:
        """Yields the newest report and freshness, each as soon as the one before has been sent.

        Ends when the caller may no longer read, or when the API stops.
        """
        channels, channel, caller = self._channels, self._channel, self._caller
        freshness_count = 0
        next_check = channels.now() + RECHECK_S
        yield b"retry: %d\n\n" % RECONNECT_MS
        while not channels.is_closing:
            changed = channel.changed
            now = channels.now()
            if now >= caller.expires_at:
                return
            if now >= next_check:
                next_check = now + RECHECK_S
                if not await channels.may_go_on(caller):
                    return
            if event_id(channel.tag) != self._seen:
                self._seen = event_id(channel.tag)
                channels.reports_sent += 1
                metrics.STREAM_REPORTS.inc()
                yield channel.report
            elif channel.freshness_count != freshness_count:
                freshness_count = channel.freshness_count
                yield channel.freshness
            else:
                await _wait(changed, caller.expires_at - now)


async def _wait(changed: asyncio.Event, seconds_left: float) -> None:
    """Waits until there is something new, or the caller's time is up.

    Freshness comes often enough that only the last seconds need a timer of their own.
    """
    if seconds_left > 2 * FRESHNESS_S:
        await changed.wait()
        return
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(changed.wait(), seconds_left)


def event_id(tag: str) -> str:
    """Returns the ETag as the id of an event, which comes back as Last-Event-ID."""
    return tag.removeprefix("W/").strip('"')


def _event(name: str, data: bytes, id_: str | None = None) -> bytes:
    """Encodes one Server-Sent Event (HTML Standard §9.2); JSON has no line breaks to escape."""
    head = f"id: {id_}\nevent: {name}\ndata: " if id_ else f"event: {name}\ndata: "
    return head.encode() + data + b"\n\n"
