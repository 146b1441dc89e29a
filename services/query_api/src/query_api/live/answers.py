"""What is computed once per change of the figures, and then sent from memory."""

from collections import OrderedDict
from datetime import datetime, tzinfo
from typing import Final, Generic, NamedTuple, TypeVar

from query_api.http.content_coding import IDENTITY, compressed
from query_api.report.freshness import Freshness
from query_api.report.moments import minute_of
from query_api.report.report_json import ReportJson, freshness_json
from query_api.report.scope import ReportQuery
from query_api.report.snapshot import ReportVersion

REMEMBERED: Final = 256
"""How many answers of a kind, by dates and filters, are kept encoded."""


class Basis(NamedTuple):
    """What an answer is computed from: while it is the same, so are the figures."""

    version: ReportVersion
    complete_since: str | None
    now: datetime
    """The moment of active and overdue, to the minute."""

    @property
    def minute(self) -> int:
        return minute_of(self.now)


class ComputedAnswer:
    """Encoded figures, how long they are valid, and the bytes that were last sent."""

    __slots__ = ("_basis", "_fresh", "_payloads", "json", "since", "until")

    def __init__(self, basis: Basis, json: ReportJson, *, since: int, until: int) -> None:
        """It is valid from the minute `since` until before `until`, both since 1970."""
        self._basis = basis
        self.json = json
        self.since = since
        self.until = until
        self._fresh: Freshness | None = None
        self._payloads: dict[str, bytes] = {}

    @property
    def complete_since(self) -> str | None:
        return self._basis.complete_since

    @property
    def computed_at(self) -> datetime:
        return self._basis.now

    def holds(self, basis: Basis) -> bool:
        """Whether an answer computed from this basis would have the same figures."""
        mine = self._basis
        return (
            self.since <= basis.minute < self.until
            and mine.version == basis.version
            and mine.complete_since == basis.complete_since
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


Kept = TypeVar("Kept", bound=ComputedAnswer)


class LatestAnswers(Generic[Kept]):
    """The last answer to each query; the ones asked for longest ago are forgotten."""

    def __init__(self) -> None:
        self._answers: OrderedDict[ReportQuery, Kept] = OrderedDict()

    def get(self, query: ReportQuery) -> Kept | None:
        """Returns the last answer, whether or not it still holds."""
        known = self._answers.get(query)
        if known is not None:
            self._answers.move_to_end(query)
        return known

    def keep(self, query: ReportQuery, answer: Kept) -> None:
        self._answers[query] = answer
        self._answers.move_to_end(query)
        if len(self._answers) > REMEMBERED:
            self._answers.popitem(last=False)
