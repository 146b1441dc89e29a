"""Limits of rate, size and time, and the headers for browsers, on a real port."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
from fastapi import FastAPI, Response, WebSocket

from query_api.auth import Access, AccessSettings, ReportCaller
from query_api.http.protection import protect
from support.guarded_app import GuardedApp, guarded_app
from support.issuer import Issuer, running_issuer
from support.serving import served

REPORT = "/api/v1/report"
STREAM = "/api/v1/stream"
HEADERS = (
    "content-security-policy",
    "x-content-type-options",
    "referrer-policy",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
)


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        yield running


@pytest_asyncio.fixture
async def api(issuer: Issuer) -> AsyncIterator[GuardedApp]:
    async with guarded_app(issuer) as running:
        yield running


# Rates


async def test_caller_over_the_rate_limit_is_told_when_to_retry(issuer: Issuer) -> None:
    async with guarded_app(issuer, rate_limit="5/minute") as api:
        for _ in range(5):
            assert (await api.get(REPORT, issuer.token())).status_code == 200
        answer = await api.get(REPORT, issuer.token())
        assert answer.status_code == 429
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["status"] == 429
        api.clock.advance(int(answer.headers["retry-after"]))
        assert (await api.get(REPORT, issuer.token())).status_code == 200


async def test_rate_limit_counts_per_caller_not_per_token(issuer: Issuer) -> None:
    async with guarded_app(issuer, rate_limit="3/minute") as api:
        statuses = [(await api.get(REPORT, issuer.token(jti=str(n)))).status_code for n in range(4)]
        assert statuses == [200, 200, 200, 429]
        assert (await api.get(REPORT, issuer.token(sub="u-2"))).status_code == 200


async def test_refused_attempts_are_limited_by_address_but_known_callers_get_in(
    issuer: Issuer,
) -> None:
    async with guarded_app(issuer, rate_limit_unknown="5/minute") as api:
        good = issuer.token()
        assert (await api.get(REPORT, good)).status_code == 200
        statuses = [(await api.get(REPORT, f"x{n}")).status_code for n in range(7)]
        assert statuses == [401] * 5 + [429] * 2
        assert (await api.get(REPORT)).status_code == 429
        assert (await api.get(REPORT, issuer.token(sub="u-2"))).status_code == 429
        assert (await api.get(REPORT, good)).status_code == 200
        assert (await api.get("/livez")).status_code == 200


async def test_key_exchange_is_rate_limited_by_address(issuer: Issuer, redis_url: str) -> None:
    async with guarded_app(
        issuer, access_redis_url=redis_url, rate_limit_unknown="3/minute"
    ) as api:
        statuses = [
            (await api.client.post("/api/v1/wallboard/session", json={"key": "x"})).status_code
            for _ in range(5)
        ]
        assert statuses == [401, 401, 401, 429, 429]


# Sizes and times


async def test_oversized_requests_are_refused(issuer: Issuer) -> None:
    async with guarded_app(issuer, max_body_bytes=2_000) as api:
        token = issuer.token()
        assert (await api.get(f"{REPORT}?q={'x' * 9_000}", token)).status_code == 414
        assert (await api.get(REPORT, token, Padding="x" * 40_000)).status_code == 431

        async def chunks(count: int) -> AsyncIterator[bytes]:
            for _ in range(count):
                yield b"x" * 500

        async def note(content: Any) -> httpx.Response:
            return await api.client.post(
                "/api/v1/note", content=content, headers={"Authorization": f"Bearer {token}"}
            )

        assert (await note(b"x" * 2_000)).json() == 2_000
        assert (await note(chunks(4))).json() == 2_000
        assert (await note(b"x" * 2_001)).status_code == 413
        answer = await note(chunks(5))
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"


async def test_response_that_does_not_start_in_time_becomes_a_503(issuer: Issuer) -> None:
    async with guarded_app(issuer, request_timeout_s=0.2) as api, asyncio.timeout(3):
        answer = await api.get("/api/v1/never", issuer.token())
        assert answer.status_code == 503
        assert answer.headers["content-type"] == "application/problem+json"


async def test_stream_may_outlast_the_time_limit_and_is_not_buffered(issuer: Issuer) -> None:
    async with guarded_app(issuer, request_timeout_s=0.2) as api:
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        path = f"{STREAM}?parts=5&pause_s=0.1"
        async with api.client.stream("GET", path, headers=headers) as answer:
            first = await anext(answer.aiter_raw())
            assert first == b"data: {}\n\n"
        answer = await api.get(path, issuer.token())
        assert answer.content == b"data: {}\n\n" * 5


async def test_a_body_that_trickles_in_is_cut_off(issuer: Issuer) -> None:
    async with guarded_app(issuer, request_timeout_s=0.3) as api, asyncio.timeout(3):
        url = api.client.base_url
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(
            b"POST /api/v1/note HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n"
            b"Authorization: Bearer " + issuer.token().encode() + b"\r\n\r\nx"
        )
        assert b" 503 " in await reader.readline()
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()


# Headers for browsers


@pytest.mark.parametrize(
    ("path", "status"),
    [(REPORT, 200), ("/livez", 200), ("/api/v1/contacts", 200), (STREAM, 200), ("/nowhere", 404)],
)
async def test_every_response_has_the_security_headers(
    path: str, status: int, issuer: Issuer, api: GuardedApp
) -> None:
    answer = await api.get(path, issuer.token())
    assert answer.status_code == status
    assert all(name in answer.headers for name in HEADERS)
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "script-src 'self';" in policy
    assert "strict-transport-security" not in answer.headers


@pytest.mark.parametrize("status", [401, 414, 503])
async def test_refusal_has_the_security_headers_and_is_never_cached(
    status: int, issuer: Issuer
) -> None:
    async with guarded_app(issuer, request_timeout_s=0.2) as api:
        asked = {401: (REPORT, "x"), 414: (f"{REPORT}?{'x' * 9_000}", None)}
        path, token = asked.get(status, ("/api/v1/never", issuer.token()))
        answer = await api.get(path, token)
        assert answer.status_code == status
        assert all(name in answer.headers for name in HEADERS)
        assert answer.headers["cache-control"] == "no-store"


async def test_page_may_be_opened_and_set_its_own_content_security_policy(issuer: Issuer) -> None:
    app = FastAPI(openapi_url=None)

    @app.get("/page")
    async def page() -> Response:
        return Response("ok", headers={"Content-Security-Policy": "default-src 'self'"})

    settings = AccessSettings(oidc_issuer=issuer.url)
    async with Access(settings) as access:
        protect(app, settings, access, open_paths=["/page"], open_prefixes=["/page/"])
        async with served(app) as url, httpx.AsyncClient(trust_env=False, verify=False) as client:
            answer = await client.get(f"{url}/page")
            assert answer.headers.get_list("content-security-policy") == ["default-src 'self'"]
            assert (await client.get(f"{url}/page/x")).status_code == 404
            assert (await client.get(f"{url}/pages")).status_code == 401


async def test_other_origins_can_read_the_api_only_if_listed(issuer: Issuer) -> None:
    origin = {"Origin": "https://page.example"}
    preflight = {**origin, "Access-Control-Request-Method": "GET"}
    async with guarded_app(issuer) as api:
        answer = await api.get(REPORT, issuer.token(), **origin)
        assert not [name for name in answer.headers if name.startswith("access-control")]
        assert (await api.client.options(REPORT, headers=preflight)).status_code == 401
    async with guarded_app(issuer, cors_origins=("https://page.example",)) as api:
        answer = await api.client.options(REPORT, headers=preflight)
        assert answer.status_code == 200
        answer = await api.get(REPORT, issuer.token(), **origin)
        assert answer.headers["access-control-allow-origin"] == "https://page.example"
        assert "access-control-allow-credentials" not in answer.headers
        refused = await api.get(
            REPORT, "x", **origin
        )  # otherwise the page could not read the reason
        assert refused.headers["access-control-allow-origin"] == "https://page.example"
        foreign = await api.get(REPORT, issuer.token(), Origin="https://evil.example")
        assert "access-control-allow-origin" not in foreign.headers
        write = {**origin, "Access-Control-Request-Method": "POST"}
        assert (await api.client.options(REPORT, headers=write)).status_code == 400


async def test_forwarded_addresses_are_trusted_only_from_listed_proxies(issuer: Issuer) -> None:
    forwarded = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7", "X-Forwarded-Proto": "https"}
    for proxies, seen in (
        ((), "127.0.0.1 http"),
        (("10.0.0.0/8",), "127.0.0.1 http"),
        (("127.0.0.1",), "198.51.100.7 https"),
        (("127.0.0.0/8", "198.51.100.7"), "203.0.113.9 https"),
    ):
        async with guarded_app(issuer, trusted_proxies=proxies) as api:
            answer = await api.get("/api/v1/peer", issuer.token(), **forwarded)
            assert answer.json() == seen
            assert ("strict-transport-security" in answer.headers) == seen.endswith("https")


# The gate


@pytest.mark.parametrize(
    "path",
    [
        "/api/v1/nowhere",
        "/nowhere",
        "/",
        "//api/v1/report",
        "/api/v1/report/",
        "/api/v1/../v1/report",
        "/docs/../api/v1/report",
        "/docs/%2e%2e/api/v1/report",
        "/livez/../api/v1/report",
        "/livez/",
        "/LIVEZ",
        "/api/v1/report;/livez",
        "/api/v1/report%3f/livez",
        "/%61pi/v1/report",
    ],
)
async def test_path_not_listed_as_open_is_closed(path: str, api: GuardedApp) -> None:
    url = api.client.base_url
    reader, writer = await asyncio.open_connection(url.host, url.port)  # clients normalize paths
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
    status = int((await reader.readline()).split()[1])
    writer.close()
    assert status in ({401, 404} if path.startswith("/docs/") else {401})


async def test_same_paths_are_closed_under_a_root_path(issuer: Issuer) -> None:
    app = FastAPI()

    @app.get(REPORT)
    async def report() -> str:
        return "not guarded by a dependency"

    @app.get("/livez")
    async def livez() -> str:
        return "ok"

    settings = AccessSettings(oidc_issuer=issuer.url)
    async with Access(settings) as access:
        protect(app, settings, access)
        async with (
            served(app, root_path="/obzvon") as url,
            httpx.AsyncClient(trust_env=False, verify=False) as client,
        ):
            for prefix in ("", "/obzvon"):
                assert (await client.get(f"{url}{prefix}{REPORT}")).status_code == 401
            assert (await client.get(f"{url}/livez")).status_code == 200


async def test_route_outside_the_gate_is_closed_by_its_dependency(issuer: Issuer) -> None:
    app = FastAPI()

    @app.get(REPORT)
    async def report(caller: ReportCaller) -> str:
        return caller.subject

    async with served(app) as url, httpx.AsyncClient(trust_env=False, verify=False) as client:
        headers = {"Authorization": f"Bearer {issuer.token()}"}
        assert (await client.get(f"{url}{REPORT}", headers=headers)).status_code == 401


async def test_websockets_are_refused(issuer: Issuer) -> None:
    app = FastAPI()
    opened = False

    @app.websocket("/api/v1/socket")
    async def socket(websocket: WebSocket) -> None:
        nonlocal opened
        opened = True
        await websocket.accept()

    settings = AccessSettings(oidc_issuer=issuer.url)
    async with Access(settings) as access:
        protect(app, settings, access)
        async with served(app) as url, httpx.AsyncClient(trust_env=False, verify=False) as client:
            answer = await client.get(
                f"{url}/api/v1/socket",
                headers={
                    "Connection": "Upgrade",
                    "Upgrade": "websocket",
                    "Sec-WebSocket-Version": "13",
                    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
                },
            )
    assert answer.status_code == 403
    assert not opened
