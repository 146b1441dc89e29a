"""GET /report: the report of a contact date, or of a range of them."""

from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from contracts.report import Report
from query_api.auth import REFUSALS, ReportCaller
from query_api.report.body import moment
from query_api.report.freshness import Freshness
from query_api.routes.answers import Answers, Question, choice
from query_api.routes.coding import IDENTITY, coding_of
from query_api.routes.problems import described
from query_api.routes.query import ReportParameters, documented, read_query

router = APIRouter()

VARY: Final = "Authorization, Cookie, Accept-Encoding"

UNPROCESSABLE: Final = described(
    422,
    "A parameter is wrong; `errors` names it",
    "date: there is no such day",
    errors=[{"field": "date", "value": "2026-02-30", "message": "there is no such day"}],
)

NOT_MODIFIED: Final[dict[str, Any]] = {
    "description": "The figures are those of the ETag in If-None-Match"
}


@router.get(
    "/report",
    response_model=Report,
    responses={**REFUSALS, 304: NOT_MODIFIED, 422: UNPROCESSABLE},
    openapi_extra={"parameters": documented(ReportParameters)},
    summary="The report of a contact date, or of a range of up to 92 days",
)
async def report(request: Request, caller: ReportCaller) -> Response:
    answers: Answers = request.app.state.answers
    asked = read_query(request, ReportParameters)
    question = Question(
        asked.period(answers.today()),
        asked.is_range,
        choice(asked.manager_id, asked.plan_date, caller.restriction),
        asked.operator_id,
    )
    computed, fresh = await answers.report(question)
    headers = {
        "ETag": computed.body.etag,
        "Cache-Control": "private, no-cache",
        "Vary": VARY,
        **freshness_headers(answers, fresh),
    }
    if is_known(request, computed.body.etag):
        return Response(status_code=304, headers=headers)
    coding = coding_of(request)
    if coding != IDENTITY:
        headers["Content-Encoding"] = coding
    content = computed.payload(fresh, coding, answers.zone)
    return Response(content, media_type="application/json", headers=headers)


def freshness_headers(answers: Answers, fresh: Freshness) -> dict[str, str]:
    """On every answer with figures, also on a 304; empty where the JSON has null."""
    return {
        "Obzvon-As-Of": moment(fresh.as_of, answers.zone) or "",
        "Obzvon-Lag-Events": "" if fresh.lag_events is None else str(fresh.lag_events),
    }


def is_known(request: Request, etag: str) -> bool:
    """Whether If-None-Match names the tag; compared weakly (RFC 9110 §13.1.2)."""
    given = request.headers.get("if-none-match")
    if given is None:
        return False
    strong = etag.removeprefix("W/")
    tags = [tag.strip().removeprefix("W/") for tag in given.split(",")]
    return strong in tags or "*" in tags
