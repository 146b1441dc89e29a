"""Liveness, readiness and metrics, outside /api/v1 and without a caller."""

import time
from math import nan
from typing import Literal

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import BaseModel, Field
from pydantic_core import to_json
from starlette.responses import Response

from query_api import metrics
from query_api.http.openapi.examples import METRICS
from query_api.http.openapi.problems import problem_response
from query_api.http.problems import problem
from query_api.http.routers import operation_name
from query_api.state import state_of
from runtime.version import VERSION

router = APIRouter(tags=["health"], generate_unique_id_function=operation_name)


class Liveness(BaseModel):
    status: Literal["ok"]


class Readiness(BaseModel):
    status: Literal["ok"]
    generation: str = Field(description="The one the report is read from")
    unreadable: str | None = Field(
        description="Why Redis can't be read just now; the last report is served then, as stale"
    )


@router.get(
    "/livez",
    summary="The process runs",
    response_model=Liveness,
    responses={200: {"description": "It does"}},
)
async def livez() -> Response:
    return Response(to_json({"status": "ok"}), media_type="application/json")


@router.get(
    "/readyz",
    summary="A report could be read; stays so from then on",
    response_model=Readiness,
    responses={
        200: {"description": "It can serve"},
        503: problem_response(
            503,
            "No report could be read yet",
            "No report could be read yet: no generation is live in Redis: has a projector run?",
        ),
    },
)
async def readyz(request: Request) -> Response:
    mirror = state_of(request.app).mirror
    snapshot = mirror.snapshot
    if snapshot is None:
        why = mirror.unreadable or "Redis has not been read yet"
        return problem(503, f"No report could be read yet: {why}", instance=request.url.path)
    content = {
        "status": "ok",
        "generation": snapshot.generation,
        "unreadable": mirror.unreadable,
        "version": VERSION,
    }
    return Response(to_json(content), media_type="application/json")


@router.get(
    "/metrics",
    name="metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={
        200: {
            "description": "In Prometheus' text format",
            "content": {"text/plain": {"schema": {"type": "string"}, "example": METRICS}},
        }
    },
)
async def scrape(request: Request) -> Response:
    state = state_of(request.app)
    metrics.STREAMS.set(state.channels.open)
    snapshot = state.mirror.snapshot
    if snapshot is not None:
        fresh = state.reports.freshness(snapshot)
        metrics.STALE.set(fresh.stale)
        metrics.LAG.set(nan if fresh.lag_events is None else fresh.lag_events)
        metrics.AS_OF_AGE_S.set(nan if fresh.as_of is None else time.time() - fresh.as_of / 1000)
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
