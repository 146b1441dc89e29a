"""GET /stream: the report as Server-Sent Events."""

from collections.abc import Mapping
from typing import Any, Final

from fastapi import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from query_api.auth import ReportCaller
from query_api.http.openapi.parameters import documented
from query_api.http.openapi.problems import (
    FAULT,
    REFUSALS,
    RETRY_AFTER_HEADER,
    UNPROCESSABLE,
    problem_response,
)
from query_api.http.parameters import ReportParameters, ReportRequest, read_query
from query_api.http.problems import problem
from query_api.http.routers import api_router
from query_api.live.channels import RECONNECT_MS, Subscription, TooMany
from query_api.state import state_of

router = api_router("report")

EVENT_STREAM: Final = "text/event-stream"

EXAMPLE: Final = (
    f"retry: {RECONNECT_MS}\n\n"
    'id: 642737006c203667c48a96d66171b3\nevent: report\ndata: {"date":"2026-11-24",…}\n\n'
    'event: freshness\ndata: {"computed_at":"2026-11-24T15:00:00+03:00",'
    '"as_of":"2026-11-24T14:59:59.870+03:00","lag_events":0,"stale":false,"stale_reason":null}\n\n'
)

EVENTS: Final[dict[str, Any]] = {
    "description": "`report` events, each a whole report, at every change, four a second at "
    "most; `freshness` events every five seconds. Come back with the last id as Last-Event-ID: "
    "an unchanged report is not sent again.",
    "content": {
        EVENT_STREAM: {
            "schema": {
                "type": "string",
                "contentMediaType": EVENT_STREAM,
                "contentSchema": {"$ref": "#/components/schemas/StreamEvents"},
            },
            "example": EXAMPLE,
        }
    },
}

LAST_EVENT_ID: Final = {
    "name": "Last-Event-ID",
    "in": "header",
    "description": "The id of the last `report` event that was received",
    "schema": {"type": "string", "maxLength": 128},
}


@router.get(
    "/stream",
    response_class=StreamingResponse,
    responses={
        **REFUSALS,
        200: EVENTS,
        422: UNPROCESSABLE,
        500: FAULT,
        429: problem_response(
            429,
            "Too many streams",
            "This caller has 100 streams open: close one first.",
            headers=RETRY_AFTER_HEADER,
        ),
    },
    openapi_extra={"parameters": [*documented(ReportParameters), LAST_EVENT_ID]},
    summary="The report as it changes, as Server-Sent Events",
)
async def stream(request: Request, caller: ReportCaller) -> Response:
    channels = state_of(request.app).channels
    asked = ReportRequest(read_query(request, ReportParameters), caller.restriction)
    try:
        subscription = await channels.subscribe(asked, caller, request.headers.get("last-event-id"))
    except TooMany as full:
        status = 429 if full.is_callers_fault else 503
        return problem(status, str(full), instance=request.url.path, headers={"Retry-After": "30"})
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return EventStream(subscription, headers)


class EventStream(StreamingResponse):
    """Sends a subscription's events, and ends it when the connection ends, for whatever reason."""

    def __init__(self, subscription: Subscription, headers: Mapping[str, str]) -> None:
        super().__init__(subscription.events(), media_type=EVENT_STREAM, headers=headers)
        self._subscription = subscription

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._subscription.end()
