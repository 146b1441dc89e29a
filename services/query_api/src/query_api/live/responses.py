"""Responses with figures, cached for as long as a new one would be the same."""

from collections.abc import Callable

from fastapi import Request
from starlette.responses import Response

from query_api import metrics
from query_api.auth import Restriction
from query_api.http.content_coding import IDENTITY, coding_of
from query_api.http.headers import VARY, freshness_headers, is_not_modified
from query_api.http.parameters import ReportRequest
from query_api.live.answers import REMEMBERED, ComputedAnswer
from query_api.live.reports import Reports
from query_api.report.freshness import Freshness
from query_api.report.scope import ReportQuery
from query_api.report.snapshot import Snapshot


class RawResponse(Response):
    """A response whose headers are encoded already."""

    def __init__(self, status: int, content: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = status
        self.body = content
        self.raw_headers = headers
        self.background = None


class CachedResponse:
    """An answer ready to be sent for as long as nothing moves: most requests find one."""

    __slots__ = ("_computed", "_fresh", "_headers", "_minute", "_snapshot", "_stale_at", "_zone")

    def __init__(
        self,
        reports: Reports,
        snapshot: Snapshot | None,
        computed: ComputedAnswer,
        fresh: Freshness,
    ) -> None:
        """`snapshot` is the newest one from before the answer was computed."""
        self._snapshot = snapshot
        self._computed = computed
        self._fresh = fresh
        self._minute = reports.minute()
        self._stale_at = reports.stale_at(fresh)
        self._zone = reports.zone
        headers = {
            "ETag": computed.json.etag,
            "Cache-Control": "private, no-cache",
            "Vary": VARY,
            **freshness_headers(fresh, reports.zone),
        }
        self._headers = [(k.lower().encode(), v.encode()) for k, v in headers.items()]

    def holds(self, reports: Reports) -> bool:
        """Whether a response made now would be the same."""
        mirror = reports.mirror
        return (
            mirror.snapshot is self._snapshot
            and mirror.unreadable is None
            and reports.minute() == self._minute
            and reports.real_ms() < self._stale_at
        )

    def response(self, request: Request) -> Response:
        if is_not_modified(request, self._computed.json.etag):
            return RawResponse(304, b"", list(self._headers))
        coding = coding_of(request)
        content = self._computed.payload(self._fresh, coding, self._zone)
        headers = [
            *self._headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        if coding != IDENTITY:
            headers.append((b"content-encoding", coding.encode()))
        return RawResponse(200, content, headers)


Compute = Callable[[Snapshot, ReportQuery], ComputedAnswer]
"""Returns the answer that a snapshot, which has the query's dates, gives to a query."""


class CachedResponses:
    """Responses of one route, by the query string as it was sent and the caller's restriction."""

    def __init__(self, reports: Reports, compute: Compute) -> None:
        self._reports = reports
        self._compute = compute
        self._responses: dict[tuple[bytes, Restriction | None], CachedResponse] = {}

    def current(
        self, query_string: bytes, restriction: Restriction | None
    ) -> CachedResponse | None:
        """Returns the cached response if there is one and it still holds."""
        cached = self._responses.get((query_string, restriction))
        if cached is None or not cached.holds(self._reports):
            return None
        metrics.REPORTS.labels("hit").inc()
        return cached

    async def prepare(self, query_string: bytes, request: ReportRequest) -> CachedResponse:
        """Returns a response with the figures as they are now, and caches it.

        Raises `Unavailable` if nothing could be read, and whatever computing it raises.
        """
        reports = self._reports
        before = reports.mirror.snapshot
        query = request.query(reports.today())
        snapshot = await reports.mirror.holding(query.period.days)
        computed, fresh = self._compute(snapshot, query), reports.freshness(snapshot)
        prepared = CachedResponse(reports, before, computed, fresh)
        if len(self._responses) >= REMEMBERED:
            self._responses.clear()
        self._responses[query_string, request.restriction] = prepared
        return prepared
