"""Liveness, readiness and metrics, outside /api/v1 and without a caller."""

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic_core import to_json
from starlette.responses import Response

from query_api.reader.mirror import Mirror
from query_api.routes.problems import problem

router = APIRouter()


@router.get("/livez", summary="The process runs")
async def livez() -> Response:
    return Response(to_json({"status": "ok"}), media_type="application/json")


@router.get("/readyz", summary="A report could be read; stays so from then on")
async def readyz(request: Request) -> Response:
    mirror: Mirror = request.app.state.mirror
    if mirror.picture is None:
        why = mirror.unreadable or "Redis has not been read yet"
        return problem(request, 503, f"No report could be read yet: {why}")
    content = {"status": "ok", "generation": mirror.picture.generation, "reads": mirror.unreadable}
    return Response(to_json(content), media_type="application/json")


@router.get("/metrics", summary="Metrics for Prometheus")
async def metrics() -> Response:
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)
