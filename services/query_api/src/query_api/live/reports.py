"""Reports, computed once per change and then kept in memory."""

import time
from collections import OrderedDict
from collections.abc import Callable
from datetime import datetime, tzinfo
from math import inf
from typing import Final

from query_api import metrics
from query_api.http.content_coding import IDENTITY, compressed
from query_api.reader.mirror import Mirror
from query_api.report.freshness import Freshness, complete_since, freshness
from query_api.report.merge import Merged, merge
from query_api.report.moments import minute_of
from query_api.report.report_json import ReportJson, freshness_json, report_json
from query_api.report.scope import ReportQuery
from query_api.report.snapshot import Refreshes, ReportVersion, Snapshot
from query_api.settings import Clock, Settings
from query_api.tracing.traces import OFF, Traces

REMEMBERED: Final = 256
"""How many reports, by dates and filters, are kept encoded."""


class ComputedReport:
    """A merged and encoded report, how long it is valid, and the bytes that were last sent."""

    __slots__ = (
        "_fresh",
        "_payloads",
        "complete_since",
        "computed_at",
        "json",
        "merged",
        "new",
        "refreshes",
        "version",
    )

    def __init__(
        self,
        version: ReportVersion,
        complete_since: str | None,
        merged: Merged,
        json: ReportJson,
        computed_at: datetime,
        refreshes: Refreshes = (),
        new: Refreshes = (),
    ) -> None:
        """`refreshes` are the snapshot's, `new` those that the previous report did not show."""
        self.version = version
        self.complete_since = complete_since
        self.merged = merged
        self.json = json
        self.computed_at = computed_at
        self.refreshes = refreshes
        self.new = new
        self._fresh: Freshness | None = None
        self._payloads: dict[str, bytes] = {}

    def holds(self, version: ReportVersion, since: str | None, minute: int) -> bool:
        return (
            self.merged.since <= minute < self.merged.until
            and self.version == version
            and self.complete_since == since
        )

    def payload(self, fresh: Freshness, coding: str, zone: tzinfo) -> bytes:
        """Returns the whole JSON in a content coding; put together once per freshness."""
        if fresh != self._fresh:
            self._fresh = fresh
            self._payloads = {}
        payload = self._payloads.get(coding)
        if payload is None:
            if coding == IDENTITY:
                payload = self.json.with_freshness(freshness_json(fresh, self.computed_at, zone))
            else:
                payload = compressed(self.payload(fresh, IDENTITY, zone), coding)
            self._payloads[coding] = payload
        return payload


class Reports:
    """Reports by query, computed again only after a change or a deadline."""

    def __init__(
        self,
        mirror: Mirror,
        settings: Settings,
        clock: Clock,
        *,
        real_time: Callable[[], float] = time.time,
        traces: Traces = OFF,
    ) -> None:
        """`clock` is the report's; `real_time`, in seconds, shows how old the figures are."""
        self._mirror = mirror
        self._clock = clock
        self._real_time = real_time
        self._stale_after_ms = round(settings.stale_after_s * 1000)
        self._computed: OrderedDict[ReportQuery, ComputedReport] = OrderedDict()
        self.zone = settings.zone
        self.timezone = settings.timezone
        self.traces = traces
        self.merges = 0

    @property
    def mirror(self) -> Mirror:
        return self._mirror

    def now(self) -> datetime:
        return self._clock()

    def minute(self) -> int:
        """Returns the minute since 1970 at which contacts are active or overdue."""
        return minute_of(self._clock())

    def today(self) -> str:
        return self._clock().astimezone(self.zone).date().isoformat()

    def real_ms(self) -> float:
        """Returns real time, even if the report's clock is fixed, in milliseconds since 1970."""
        return self._real_time() * 1000

    def freshness(self, snapshot: Snapshot) -> Freshness:
        return freshness(
            snapshot,
            int(self.real_ms()),
            self._stale_after_ms,
            unreachable=self._mirror.unreadable,
        )

    def stale_at(self, fresh: Freshness) -> float:
        """Returns when figures become stale if nothing new comes; inf if they are already."""
        if fresh.stale or fresh.as_of is None:
            return inf
        return fresh.as_of + self._stale_after_ms

    async def report(self, query: ReportQuery) -> tuple[ComputedReport, Freshness]:
        """Returns the report as it is now; raises `Unavailable` if nothing could be read."""
        snapshot = await self._mirror.holding(query.period.days)
        return self.compute(snapshot, query), self.freshness(snapshot)

    def compute(self, snapshot: Snapshot, query: ReportQuery) -> ComputedReport:
        """Returns the report of a snapshot that has the query's dates."""
        now = self._clock()
        known = self._known(snapshot, query, now)
        if known is not None:
            self._computed.move_to_end(query)
            return known
        before = self._computed.get(query)
        shown = before.refreshes if before else ()
        new = tuple(one for one in snapshot.refreshes if one not in shown)
        computed = self._merged(snapshot, query, now, new)
        self._computed[query] = computed
        self._computed.move_to_end(query)
        if len(self._computed) > REMEMBERED:
            self._computed.popitem(last=False)
        return computed

    def compute_apart(
        self, snapshot: Snapshot, query: ReportQuery, now: datetime
    ) -> ComputedReport:
        """Returns the report of a snapshot that is not the mirror's; it is not kept in memory."""
        return self._known(snapshot, query, now) or self._merged(snapshot, query, now, ())

    def _known(
        self, snapshot: Snapshot, query: ReportQuery, now: datetime
    ) -> ComputedReport | None:
        known = self._computed.get(query)
        version, since = snapshot.version(query.period), complete_since(snapshot)
        if known is None or not known.holds(version, since, minute_of(now)):
            return None
        metrics.REPORTS.labels("hit").inc()
        return known

    def _merged(
        self, snapshot: Snapshot, query: ReportQuery, now: datetime, new: Refreshes
    ) -> ComputedReport:
        metrics.REPORTS.labels("merged").inc()
        self.merges += 1
        since = complete_since(snapshot)
        with self.traces.merging(new):
            merged = merge(snapshot, query.period, query.scope, query.operator_id, minute_of(now))
            encoded = report_json(
                merged,
                snapshot.operators,
                query,
                timezone=self.timezone,
                complete_since=since,
            )
        version = snapshot.version(query.period)
        return ComputedReport(version, since, merged, encoded, now, snapshot.refreshes, new)
