"""The header that names the page's build."""

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from query_api.http.middleware.build_header import BuildHeaderMiddleware


async def answer(request: Request) -> Response:
    return PlainTextResponse("no", status_code=int(request.query_params.get("status", "200")))


async def builds(*paths: str) -> list[str | None]:
    app = Starlette(routes=[Route("/{path:path}", answer)])
    app.add_middleware(BuildHeaderMiddleware, build="3f2a9c0d")
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        return [(await client.get(path)).headers.get("obzvon-build") for path in paths]


async def test_every_answer_of_the_api_names_the_build_refusals_too() -> None:
    assert await builds("/api/v1/report", "/api/v1/me?status=401") == ["3f2a9c0d", "3f2a9c0d"]


async def test_what_is_not_of_the_api_does_not() -> None:
    assert await builds("/livez", "/", "/api/v2/report") == [None, None, None]
