"""The header that names the page's build."""

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from query_api.auth import AccessSettings
from query_api.http.middleware.security_headers import SecurityHeadersMiddleware


async def answer(request: Request) -> Response:
    return PlainTextResponse("no", status_code=int(request.query_params.get("status", "200")))


async def builds(build: str | None, *paths: str) -> list[str | None]:
    settings = AccessSettings(oidc_issuer="https://issuer.test")
    app = Starlette(routes=[Route("/{path:path}", answer)])
    app.add_middleware(SecurityHeadersMiddleware, settings=settings, build=build)
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://api.test") as client:
        return [(await client.get(path)).headers.get("obzvon-build") for path in paths]


async def test_every_answer_names_the_build_refusals_too() -> None:
    named = await builds("3f2a9c0d", "/api/v1/report", "/api/v1/me?status=401")

    assert named == ["3f2a9c0d", "3f2a9c0d"]


async def test_without_a_page_no_answer_names_one() -> None:
    assert await builds(None, "/api/v1/report") == [None]
