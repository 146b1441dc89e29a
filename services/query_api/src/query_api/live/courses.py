"""Courses of a day and days of a range, computed once per change and then kept in memory."""

from collections.abc import Callable

from query_api import metrics
from query_api.live.answers import Basis, ComputedAnswer, LatestAnswers
from query_api.live.reports import Reports
from query_api.report.course_json import days_json, hours_json
from query_api.report.days import merge_days
from query_api.report.hours import course_of_day, require_hours
from query_api.report.scope import ReportQuery
from query_api.report.snapshot import ALWAYS, NEVER, Snapshot


class Courses:
    """Answers to /hours and /days, computed again only after a change; days also after a deadline."""

    def __init__(self, reports: Reports) -> None:
        self._reports = reports
        self._hours: LatestAnswers[ComputedAnswer] = LatestAnswers()
        self._days: LatestAnswers[ComputedAnswer] = LatestAnswers()
        self.merges = 0

    def hours(self, snapshot: Snapshot, query: ReportQuery) -> ComputedAnswer:
        """Returns the course of the query's one day; the snapshot has it. Raises `NoHours`."""
        require_hours(snapshot)

        def compute(basis: Basis) -> ComputedAnswer:
            course = course_of_day(snapshot, query.period.first, query.scope, query.operator_id)
            encoded = hours_json(
                course,
                query,
                timezone=self._reports.timezone,
                complete_since=basis.complete_since,
            )
            return ComputedAnswer(basis, encoded, since=ALWAYS, until=NEVER)

        return self._latest(self._hours, snapshot, query, compute)

    def days(self, snapshot: Snapshot, query: ReportQuery) -> ComputedAnswer:
        """Returns the totals of each of the query's days, which the snapshot has."""

        def compute(basis: Basis) -> ComputedAnswer:
            merged = merge_days(
                snapshot, query.period, query.scope, query.operator_id, basis.minute
            )
            encoded = days_json(
                merged,
                query,
                timezone=self._reports.timezone,
                complete_since=basis.complete_since,
            )
            return ComputedAnswer(basis, encoded, since=merged.since, until=merged.until)

        return self._latest(self._days, snapshot, query, compute)

    def _latest(
        self,
        answers: LatestAnswers[ComputedAnswer],
        snapshot: Snapshot,
        query: ReportQuery,
        compute: Callable[[Basis], ComputedAnswer],
    ) -> ComputedAnswer:
        basis = self._reports.basis(snapshot, query, self._reports.now())
        known = answers.get(query)
        if known is not None and known.holds(basis):
            metrics.REPORTS.labels("hit").inc()
            return known
        metrics.REPORTS.labels("merged").inc()
        self.merges += 1
        computed = compute(basis)
        answers.keep(query, computed)
        return computed
