"""What every request passes before its route: headers, limits and the gate."""

from collections.abc import Iterable

from fastapi import FastAPI, Request
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from query_api.auth import audit
from query_api.auth.access import Access
from query_api.auth.guard import caller_of
from query_api.auth.refusals import Refusal
from query_api.auth.settings import AccessSettings
from query_api.http.middleware.gate import OPEN_PATHS, OPEN_PREFIXES, GateMiddleware, OpenPaths
from query_api.http.middleware.request_limits import RequestLimitsMiddleware
from query_api.http.middleware.security_headers import SecurityHeadersMiddleware
from query_api.http.openapi.security import describe_access
from query_api.http.problems import refusal_problem


def protect(
    app: FastAPI,
    settings: AccessSettings,
    access: Access,
    *,
    open_paths: Iterable[str] = (),
    open_prefixes: Iterable[str] = (),
    build: str | None = None,
) -> None:
    """Add the middlewares and the handler of refusals to an app.

    `open_paths` and `open_prefixes` are those of a web page's own files, which contain no data;
    `build` is that of the page.
    """
    app.add_exception_handler(Refusal, _answer_refusal)
    describe_access(app, access)
    paths = OpenPaths(OPEN_PATHS | set(open_paths), (*OPEN_PREFIXES, *open_prefixes))
    # The last one added is the first to see a request.
    app.add_middleware(GateMiddleware, access=access, open_paths=paths)
    app.add_middleware(
        RequestLimitsMiddleware,
        max_body_bytes=settings.max_body_bytes,
        timeout_s=settings.request_timeout_s,
    )
    if settings.cors_origins:
        app.add_middleware(
            CORSMiddleware,
            allow_origins=list(settings.cors_origins),
            allow_methods=["GET"],
            allow_headers=["Authorization", "If-None-Match", "Last-Event-ID"],
            expose_headers=[
                "ETag",
                "Obzvon-As-Of",
                "Obzvon-Lag-Events",
                "Obzvon-Build",
                "Retry-After",
                "X-Request-Id",
                "Content-Disposition",
            ],
            allow_credentials=False,  # other origins send a token, never our cookies
        )
    app.add_middleware(SecurityHeadersMiddleware, settings=settings, build=build)
    if settings.trusted_proxies:
        app.add_middleware(
            ProxyHeadersMiddleware,
            trusted_hosts=list(settings.trusted_proxies),
        )


async def _answer_refusal(request: Request, refusal: Exception) -> Response:
    assert isinstance(refusal, Refusal)
    audit.log_refusal(request.scope, refusal, caller_of(request.scope))
    return refusal_problem(refusal)
