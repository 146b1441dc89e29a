"""The rows that a request asks for, and the version of the report that they are behind."""

from typing import NamedTuple

from query_api.auth import Restriction
from query_api.http.contact_parameters import RowParameters
from query_api.http.parameters import ReportRequest
from query_api.live.reports import ComputedReport
from query_api.reader.look_ups import look_up
from query_api.reader.rows import find_rows
from query_api.report.freshness import Freshness
from query_api.report.moments import minute_of
from query_api.report.named_rows import NamedRow
from query_api.report.row_query import RowQuery
from query_api.report.scope import ReportQuery
from query_api.report.snapshot import Snapshot
from query_api.state import ApiState


class RowsBehind(NamedTuple):
    """All rows of a request, in no order, with the report of the very moment they were read at."""

    report: ReportQuery
    query: RowQuery
    snapshot: Snapshot
    computed: ComputedReport
    fresh: Freshness
    rows: list[NamedRow]

    @property
    def version(self) -> str:
        """The ETag of the report."""
        return self.computed.json.etag

    @property
    def sum(self) -> int | None:
        """What the rows contribute to the counter; None if none was asked for."""
        if self.query.counter is None:
            return None
        return sum(named.contribution for named in self.rows)


async def rows_behind(
    state: ApiState, asked: RowParameters, restriction: Restriction | None
) -> RowsBehind:
    """Returns the rows, with what their filters need of their names; raises `Unavailable`."""
    reports, redis, lookups = state.reports, state.redis, asked.lookup_filter
    now = reports.now()
    report = ReportRequest(asked, restriction).query(
        now.astimezone(reports.zone).date().isoformat()
    )
    query = asked.row_query(report, minute_of(now))
    held = await state.mirror.holding(query.period.days)
    # Not of the shards as they are read now: no answer is to look older than the one before it.
    fresh = reports.freshness(held)
    snapshot, found = await find_rows(redis, held, query)
    computed = reports.compute_apart(snapshot, report, now)
    rows = lookups.admitted(await look_up(redis, snapshot, found, lookups.parts))
    return RowsBehind(report, query, snapshot, computed, fresh, rows)
