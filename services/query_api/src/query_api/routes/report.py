"""GET /report: the report of a contact date, or of a range of them."""

from typing import Any, Final

from fastapi import Request
from starlette.responses import Response

from contracts.report import Report
from query_api import metrics
from query_api.auth import ReportCaller
from query_api.http.content_coding import IDENTITY, coding_of
from query_api.http.headers import VARY, freshness_headers, is_not_modified
from query_api.http.openapi.parameters import documented
from query_api.http.openapi.problems import FAULT, REFUSALS, UNPROCESSABLE
from query_api.http.openapi.responses import ETAG_HEADER, FRESHNESS_HEADERS, json_answer
from query_api.http.parameters import ReportParameters, ReportRequest, read_query
from query_api.http.routers import DirectRoute, api_router
from query_api.report.freshness import Freshness
from query_api.report.snapshot import Snapshot
from query_api.routes.answers import REMEMBERED, Answers, Computed

router = api_router("report", DirectRoute)

NOT_MODIFIED: Final[dict[str, Any]] = {
    "description": "The figures are those of the ETag in If-None-Match",
    "headers": {**ETAG_HEADER, **FRESHNESS_HEADERS},
}

IF_NONE_MATCH: Final[dict[str, Any]] = {
    "name": "If-None-Match",
    "in": "header",
    "description": "ETags of reports the caller has",
    "schema": {"type": "string"},
}

ANSWER: Final = json_answer("The report")
ANSWER["headers"] = {**ETAG_HEADER, **FRESHNESS_HEADERS}


@router.get(
    "/report",
    response_model=Report,
    responses={**REFUSALS, 200: ANSWER, 304: NOT_MODIFIED, 422: UNPROCESSABLE, 500: FAULT},
    openapi_extra={"parameters": [*documented(ReportParameters), IF_NONE_MATCH]},
    summary="The report of a contact date, or of a range of up to 92 days",
)
async def report(request: Request, caller: ReportCaller) -> Response:
    answers: Answers = request.app.state.answers
    ready: dict[Any, Ready] = request.app.state.ready
    asked_again = (request.scope["query_string"], caller.restriction)
    prepared = ready.get(asked_again)
    if prepared is None or not prepared.holds(answers):
        asked = ReportRequest(read_query(request, ReportParameters), caller.restriction)
        snapshot = answers.mirror.snapshot
        computed, fresh = await answers.report(asked.query(answers.today()))
        prepared = Ready(answers, snapshot, computed, fresh)
        if len(ready) >= REMEMBERED:
            ready.clear()
        ready[asked_again] = prepared
    else:
        metrics.REPORTS.labels("hit").inc()
    return prepared.response(request)


class Ready:
    """An answer that is ready to be sent for as long as nothing moves: most are."""

    __slots__ = ("_computed", "_fresh", "_headers", "_minute", "_snapshot", "_stale_at", "_zone")

    def __init__(
        self, answers: Answers, snapshot: Snapshot | None, computed: Computed, fresh: Freshness
    ) -> None:
        """`snapshot` was the newest before the report was computed."""
        self._snapshot = snapshot
        self._computed = computed
        self._fresh = fresh
        self._minute = answers.minute()
        self._stale_at = answers.stale_at(fresh)
        self._zone = answers.zone
        headers = {
            "ETag": computed.json.etag,
            "Cache-Control": "private, no-cache",
            "Vary": VARY,
            **freshness_headers(fresh, answers.zone),
        }
        self._headers = [(k.lower().encode(), v.encode()) for k, v in headers.items()]

    def holds(self, answers: Answers) -> bool:
        mirror = answers.mirror
        return (
            mirror.snapshot is self._snapshot
            and mirror.unreadable is None
            and answers.minute() == self._minute
            and answers.real_ms() < self._stale_at
        )

    def response(self, request: Request) -> Response:
        if is_not_modified(request, self._computed.json.etag):
            return _Sent(304, b"", list(self._headers))
        coding = coding_of(request)
        content = self._computed.payload(self._fresh, coding, self._zone)
        headers = [
            *self._headers,
            (b"content-type", b"application/json"),
            (b"content-length", str(len(content)).encode()),
        ]
        if coding != IDENTITY:
            headers.append((b"content-encoding", coding.encode()))
        return _Sent(200, content, headers)


class _Sent(Response):
    """A response whose headers are encoded already."""

    def __init__(self, status: int, content: bytes, headers: list[tuple[bytes, bytes]]) -> None:
        self.status_code = status
        self.body = content
        self.raw_headers = headers
        self.background = None
