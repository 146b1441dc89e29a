"""The report as JSON, in three parts: a new freshness is spliced in without encoding again."""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from hashlib import blake2b
from typing import Any, Final, NamedTuple

from pydantic_core import to_json

from contracts.values import COUNTERS
from query_api.report.freshness import Freshness
from query_api.report.merge import Line, Merged, percent
from query_api.report.moments import rfc3339
from query_api.report.scope import WITHOUT, ReportQuery
from query_api.report.snapshot import Standing

WITHOUT_OPERATOR: Final = "Без оператора"
WITHOUT_MANAGER: Final = "Без менеджера"

PROCESSED: Final = ("ordered", "postponed", "no_contact", "refused", "drop_closed")
"""The counters of processed contacts; each contact is in at most one of them."""


class ReportJson(NamedTuple):
    """The report's JSON before and after its freshness, and the ETag of all the rest."""

    head: bytes
    tail: bytes
    etag: str

    def with_freshness(self, fresh: bytes) -> bytes:
        return self.head + fresh + self.tail


def report_json(
    merged: Merged,
    names: Mapping[str, str],
    query: ReportQuery,
    *,
    timezone: str,
    complete_since: str | None,
) -> ReportJson:
    """Returns the report encoded; `names` are the operators' by their ids."""
    period = query.period
    head = {
        "date": None if query.is_range else period.first,
        "date_from": period.first,
        "date_to": period.last,
        "timezone": timezone,
    }
    tail = {
        "operators": [
            {"operator": operator_ref(line.operator_id, names), **figures(line)}
            for line in merged.lines
        ],
        "totals": figures(merged.totals),
    }
    return encode_parts(head, tail, query, complete_since)


def encode_parts(
    head: Mapping[str, Any], tail: Mapping[str, Any], query: ReportQuery, complete_since: str | None
) -> ReportJson:
    """Returns the parts encoded; the tail begins with `complete_since` and the query's filters.

    The ETag is of both parts, and of the restriction, which the JSON does not show.
    """
    scope = query.scope
    filters = {
        "operator_id": query.operator_id,
        "manager_id": scope.manager_id,
        "plan_date": scope.plan_date,
    }
    before = to_json(head)[:-1]
    after = to_json({"complete_since": complete_since, "filters": filters, **tail})
    restriction = to_json([_sorted(scope.operators), _sorted(scope.managers)])
    digest = blake2b(before + after + restriction, digest_size=15).hexdigest()
    # A weak one: responses with the same tag may differ in their freshness.
    return ReportJson(before, b"," + after[1:], f'W/"{digest}"')


def freshness_json(freshness: Freshness, computed_at: datetime, zone: tzinfo) -> bytes:
    """Returns the JSON between the head and the tail of a `ReportJson`."""
    fields = {
        "computed_at": computed_at.astimezone(zone).isoformat(),
        "as_of": rfc3339(freshness.as_of, zone),
        "lag_events": freshness.lag_events,
        "stale": freshness.stale,
        "stale_reason": freshness.why_stale,
    }
    return b"," + to_json(fields)[1:-1]


def operator_ref(operator_id: str, names: Mapping[str, str]) -> dict[str, str]:
    name = WITHOUT_OPERATOR if operator_id == WITHOUT else names.get(operator_id, operator_id)
    return {"id": operator_id, "name": name}


def figures(line: Line) -> dict[str, Any]:
    """Returns the figures of a line as the report shows them."""
    counters = dict(zip(COUNTERS, line.counters, strict=True))
    processed = sum(counters[name] for name in PROCESSED)
    return {
        **counters,
        "active": _standing(line.active),
        "overdue": {**_standing(line.overdue), "carried": line.carried},
        "order_percent": percent(counters["ordered"], counters["planned"]),
        "processed_percent": percent(processed, counters["planned"]),
    }


def _standing(standing: Standing) -> dict[str, int]:
    planned, postponed, dropped = standing
    return {
        "planned": planned,
        "postponed": postponed,
        "dropped": dropped,
        "total": planned + postponed + dropped,
    }


def _sorted(ids: frozenset[str] | None) -> list[str] | None:
    return None if ids is None else sorted(ids)
