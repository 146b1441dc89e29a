"""Reports, computed once per change and then kept in memory."""

import time
from collections.abc import Callable
from datetime import datetime
from math import inf

from query_api import metrics
from query_api.live.answers import Basis, ComputedAnswer, LatestAnswers
from query_api.reader.mirror import Mirror
from query_api.report.freshness import Freshness, complete_since, freshness
from query_api.report.merge import Merged, merge
from query_api.report.moments import minute_of
from query_api.report.report_json import ReportJson, report_json
from query_api.report.scope import ReportQuery
from query_api.report.snapshot import Refreshes, Snapshot
from query_api.settings import Clock, Settings
from query_api.tracing.traces import OFF, Traces


class ComputedReport(ComputedAnswer):
    """A merged and encoded report, and the refreshes that it shows."""

    __slots__ = ("merged", "new", "refreshes")

    def __init__(
        self,
        basis: Basis,
        merged: Merged,
        json: ReportJson,
        refreshes: Refreshes = (),
        new: Refreshes = (),
    ) -> None:
        """`refreshes` are the snapshot's, `new` those that the previous report did not show."""
        super().__init__(basis, json, since=merged.since, until=merged.until)
        self.merged = merged
        self.refreshes = refreshes
        self.new = new


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
        self._computed: LatestAnswers[ComputedReport] = LatestAnswers()
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
        basis = self.basis(snapshot, query, self._clock())
        known = self._known(query, basis)
        if known is not None:
            return known
        before = self._computed.get(query)
        shown = before.refreshes if before else ()
        new = tuple(one for one in snapshot.refreshes if one not in shown)
        computed = self._merged(snapshot, query, basis, new)
        self._computed.keep(query, computed)
        return computed

    def compute_apart(
        self, snapshot: Snapshot, query: ReportQuery, now: datetime
    ) -> ComputedReport:
        """Returns the report of a snapshot that is not the mirror's; it is not kept in memory."""
        basis = self.basis(snapshot, query, now)
        return self._known(query, basis) or self._merged(snapshot, query, basis, ())

    def basis(self, snapshot: Snapshot, query: ReportQuery, now: datetime) -> Basis:
        """Returns what an answer to the query is computed from at that moment."""
        return Basis(snapshot.version(query.period), complete_since(snapshot), now)

    def _known(self, query: ReportQuery, basis: Basis) -> ComputedReport | None:
        known = self._computed.get(query)
        if known is None or not known.holds(basis):
            return None
        metrics.REPORTS.labels("hit").inc()
        return known

    def _merged(
        self, snapshot: Snapshot, query: ReportQuery, basis: Basis, new: Refreshes
    ) -> ComputedReport:
        metrics.REPORTS.labels("merged").inc()
        self.merges += 1
        with self.traces.merging(new):
            merged = merge(snapshot, query.period, query.scope, query.operator_id, basis.minute)
            encoded = report_json(
                merged,
                snapshot.operators,
                query,
                timezone=self.timezone,
                complete_since=basis.complete_since,
            )
        return ComputedReport(basis, merged, encoded, snapshot.refreshes, new)
