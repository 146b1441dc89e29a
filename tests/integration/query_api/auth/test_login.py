"""The browser's login against a real issuer: what opens a session, and what must not."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest
import pytest_asyncio
import redis.asyncio

from devkit.stack.issuer.people import ACCOUNTS
from devkit.stack.issuer.tokens import Issuer as DevelopmentIssuer
from devkit.stack.issuer.tokens import Person
from devkit.stack.issuer.web import create_app as create_issuer_app
from query_api.auth.settings import AccessSettings
from support.browser import COOKIE, at_the_issuer, log_in, logged_in, with_query
from support.guarded_app import REPORT, ROWS, GuardedApp, guarded_app
from support.issuer import AUDIENCE, Issuer
from support.serving import address, listening, served


@pytest_asyncio.fixture
async def api(issuer: Issuer, redis_url: str) -> AsyncIterator[GuardedApp]:
    async with guarded_app(issuer, access_redis_url=redis_url, login=True) as running:
        yield running


async def test_a_login_opens_report_and_rows_with_a_cookie_no_script_can_read(
    api: GuardedApp,
) -> None:
    answer = await log_in(api, "/login?next=/board?date=2026-11-24")
    assert (answer.status_code, answer.headers["location"]) == (303, "/board?date=2026-11-24")
    cookie = next(
        value for value in answer.headers.get_list("set-cookie") if value.startswith(COOKIE)
    )
    for attribute in ("HttpOnly", "SameSite=lax", "Path=/", "Max-Age=43200"):
        assert attribute in cookie
    report = await api.get(REPORT)
    assert (report.status_code, report.json()["kind"]) == (200, "session")
    assert (await api.get(ROWS)).status_code == 200


async def test_the_authorization_request_has_pkce_state_and_nonce(api: GuardedApp) -> None:
    begun = await api.client.get("/login")
    query = parse_qs(urlsplit(begun.headers["location"]).query)
    assert query["response_type"] == ["code"]
    assert query["code_challenge_method"] == ["S256"]
    assert query["redirect_uri"] == [f"{api.access.settings.public_url}/login/callback"]
    for name in ("state", "nonce", "code_challenge"):
        assert len(query[name][0]) == 43
    again = parse_qs(urlsplit((await api.client.get("/login")).headers["location"]).query)
    assert all(again[name] != query[name] for name in ("state", "nonce", "code_challenge"))


@pytest.mark.parametrize(
    "wanted",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "\\\\evil.example",
        "/\t/evil.example",
        "http:evil.example",
        "javascript:alert(1)",
        "board",
        "",
        " //evil.example",
        "/ok /",
        "/" + "a" * 3_000,
        "/board\r\nSet-Cookie: a=b",
    ],
)
async def test_next_parameter_leads_only_to_our_own_pages(wanted: str, api: GuardedApp) -> None:
    answer = await log_in(api, f"/login?{urlencode({'next': wanted})}")
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "x" * 43},
        {"state": None},
        {"code": "x"},
        {"code": None, "error": "access_denied"},
        {"iss": "https://evil.example"},
        {"iss": None},
    ],
)
async def test_tampered_login_response_opens_no_session(
    changes: dict[str, str | None], api: GuardedApp
) -> None:
    answer = await api.client.get(with_query(await at_the_issuer(api), **changes))
    assert answer.status_code == 401
    assert "Вход" in answer.text
    assert COOKIE not in api.client.cookies
    assert (await api.get(REPORT)).status_code == 401


async def test_login_response_cannot_be_used_twice_even_with_a_second_code(api: GuardedApp) -> None:
    begun = await api.client.get("/login")
    pending = {"Cookie": f"obzvon_login={api.client.cookies['obzvon_login']}"}
    async with httpx.AsyncClient(trust_env=False, verify=False) as browser:
        back = [
            (await browser.get(begun.headers["location"])).headers["location"] for _ in range(2)
        ]
    api.client.cookies.clear()
    assert (await api.client.get(back[0], headers=pending)).status_code == 303
    api.client.cookies.clear()
    assert (await api.client.get(back[1], headers=pending)).status_code == 401


async def test_one_browser_cannot_finish_the_login_of_another(api: GuardedApp) -> None:
    """Otherwise an attacker could log a victim in to the attacker's account."""
    attackers = await at_the_issuer(api)
    api.client.cookies.clear()
    assert (await api.client.get(attackers)).status_code == 401
    attackers = await at_the_issuer(api)
    api.client.cookies.clear()
    await at_the_issuer(api)  # the victim has started a login of their own
    assert (await api.client.get(attackers)).status_code == 401
    assert COOKIE not in api.client.cookies


@pytest.mark.parametrize(
    "claims",
    [
        {"nonce": "another"},
        {"nonce": None},
        {"aud": "another-client"},
        {"azp": "another-client"},
        {"iss": "https://evil.example"},
        {"exp": 1},
        {"sub": "u-2"},
    ],
)
async def test_id_token_of_another_login_opens_no_session(
    claims: dict[str, Any], issuer: Issuer, api: GuardedApp
) -> None:
    issuer.id_claims = claims
    assert (await log_in(api)).status_code == 401
    assert (await api.get(REPORT)).status_code == 401


async def test_an_access_token_for_another_api_opens_no_session(
    issuer: Issuer, api: GuardedApp
) -> None:
    issuer.claims = {"aud": "another-api"}
    assert (await log_in(api)).status_code == 401


async def test_user_with_neither_role_gets_no_session(issuer: Issuer, api: GuardedApp) -> None:
    issuer.claims = {"realm_access": {"roles": ["other"]}}
    answer = await log_in(api)
    assert answer.status_code == 403
    assert "Руководитель" in answer.text
    assert (await api.get(REPORT)).status_code == 401


async def test_a_session_carries_the_restriction_of_its_login(
    issuer: Issuer, api: GuardedApp
) -> None:
    issuer.claims = {"obzvon_operators": ["o-1"], "obzvon_managers": []}
    await logged_in(api)
    seen = (await api.get(REPORT)).json()
    assert (seen["operators"], seen["managers"]) == (["o-1"], [])


async def test_id_token_and_cookie_are_not_accepted_as_bearer_tokens(
    issuer: Issuer, api: GuardedApp
) -> None:
    await logged_in(api)
    cookie = api.client.cookies[COOKIE]
    api.client.cookies.clear()
    assert (await api.get(REPORT, cookie)).status_code == 401
    assert (await api.get(REPORT, issuer.id_token(aud=AUDIENCE))).status_code == 401
    answer = await api.client.get(REPORT, headers={"Cookie": f"obzvon_wallboard={cookie}"})
    assert answer.json()["kind"] == "session"  # under the wallboard's name, too


async def test_each_login_has_a_session_id_of_its_own_and_ends_the_old_one(api: GuardedApp) -> None:
    back = await at_the_issuer(api)
    chosen = f"{COOKIE}={'a' * 43}"
    pending = f"obzvon_login={api.client.cookies['obzvon_login']}"
    answer = await api.client.get(back, headers={"Cookie": f"{pending}; {chosen}"})
    assert answer.status_code == 303
    first = api.client.cookies[COOKIE]
    assert first != "a" * 43
    assert (await api.get(REPORT)).status_code == 200
    await logged_in(api)
    api.client.cookies.clear()
    answer = await api.client.get(REPORT, headers={"Cookie": f"{COOKIE}={first}"})
    assert answer.status_code == 401


async def test_the_store_holds_neither_cookie_nor_refresh_token(
    issuer: Issuer, api: GuardedApp, redis_url: str
) -> None:
    await logged_in(api)
    async with redis.asyncio.from_url(redis_url, decode_responses=True) as client:
        names = await client.keys("*")
        stored = str(names) + str([await client.get(name) for name in names])
    (refresh_token,) = issuer.refresh_tokens
    assert "u-1" in stored
    assert refresh_token not in stored
    assert api.client.cookies[COOKIE] not in stored


async def test_login_reports_an_issuer_outage(issuer: Issuer, api: GuardedApp) -> None:
    issuer.is_down = True
    assert (await api.client.get("/login")).status_code == 503
    issuer.is_down = False
    back = await at_the_issuer(api)
    issuer.is_down = True
    answer = await api.client.get(back)
    assert answer.status_code == 503
    assert "Вход" in answer.text


async def test_without_a_client_id_there_is_no_login(issuer: Issuer, redis_url: str) -> None:
    async with guarded_app(issuer, access_redis_url=redis_url) as api:
        for path in ("/login", "/login/callback"):
            assert (await api.client.get(path)).status_code == 404


async def test_over_https_cookies_are_secure_and_bound_to_this_host(
    issuer: Issuer, redis_url: str
) -> None:
    settings = {"public_url": "https://obzvon.example", "access_redis_url": redis_url}
    async with guarded_app(issuer, login=True, **settings) as api:
        begun = await api.client.get("/login")
        assert begun.headers["set-cookie"].startswith("__Host-obzvon_login=")
        assert "Secure" in begun.headers["set-cookie"]
        assert begun.headers["strict-transport-security"] == "max-age=31536000"
        assert api.access.session_cookie == "__Host-obzvon_session"


async def test_client_secret_is_sent_only_to_the_token_endpoint(
    issuer: Issuer, redis_url: str, log: list[dict[str, Any]]
) -> None:
    async with guarded_app(
        issuer, login=True, access_redis_url=redis_url, oidc_client_secret="s3cret-of-ours"
    ) as api:
        begun = await api.client.get("/login")
        assert "s3cret-of-ours" not in begun.headers["location"]
        await logged_in(api)
        assert "s3cret-of-ours" not in str(log) + repr(api.access.settings)
    assert issuer.client_secrets == {"s3cret-of-ours"}


async def test_logins_and_refusals_are_in_the_audit_log_without_secrets(
    api: GuardedApp, log: list[dict[str, Any]]
) -> None:
    back = await at_the_issuer(api)
    await api.client.get(with_query(back, state="z" * 43))
    await logged_in(api)
    cookie = api.client.cookies[COOKIE]
    await api.client.post("/logout", headers={"Origin": api.access.settings.public_url or ""})
    assert [line["event"] for line in log] == ["refused", "logged in", "logged out"]
    assert (log[0]["what"], log[0]["why"]) == ("GET /login/callback", "no pending login")
    assert (log[1]["who"], log[1]["name"]) == ("session:u-1", "anna")
    assert log[2]["who"] == "session:u-1"
    assert cookie not in str(log)
    assert "z" * 43 not in str(log)


async def test_incomplete_login_settings_are_rejected() -> None:
    incomplete: tuple[dict[str, Any], ...] = (
        {"oidc_client_id": "web"},
        {"oidc_client_id": "web", "public_url": "https://a.example"},
        {
            "oidc_client_id": "obzvon",
            "public_url": "https://a.example",
            "access_redis_url": "redis://127.0.0.1",
        },
    )
    for given in incomplete:
        with pytest.raises(ValueError, match="OBZVON_"):
            AccessSettings(oidc_issuer="https://login.example", **given)


@pytest.mark.parametrize(
    ("person", "status"),
    [("head", 200), ("quality_control", 200), ("restricted_head", 200), ("no_role", 401)],
)
async def test_user_can_log_in_at_the_development_issuer(
    person: str, status: int, redis_url: str, tmp_path: Path
) -> None:
    sock = listening()
    dev = DevelopmentIssuer.open(tmp_path, address(sock))
    async with (
        served(create_issuer_app(dev), sock=sock),
        guarded_app(Issuer(dev.url), access_redis_url=redis_url, login=True) as api,
        httpx.AsyncClient(trust_env=False, verify=False) as browser,
    ):
        begun = await api.client.get("/login?next=/board")
        page = await browser.get(begun.headers["location"])
        assert page.status_code == 200
        query = {k: v[0] for k, v in parse_qs(urlsplit(begun.headers["location"]).query).items()}
        approved = await browser.post(f"{dev.url}/authorize", data={**query, "person": person})
        await api.client.get(approved.headers["location"])
        report = await api.get(REPORT)
        assert report.status_code == status
        if status == 200:
            operators = ACCOUNTS[person].person.operators
            assert report.json()["operators"] == (sorted(operators) if operators else None)
        api.client.cookies.clear()
        token = dev.access_token(Person("head", operators=["o-1"]))
        assert (await api.get(REPORT, token)).json()["operators"] == ["o-1"]
        id_token = dev.id_token(Person("head"), client_id=AUDIENCE)
        assert (await api.get(REPORT, id_token)).status_code == 401


@pytest.mark.parametrize("missing", ["authorization_endpoint", "token_endpoint"])
async def test_issuer_without_login_endpoints_is_reported(
    missing: str, api: GuardedApp, issuer: Issuer
) -> None:
    issuer.discovery = {missing: None}
    refused = await api.client.get("/login")
    assert refused.status_code == 503
    assert f"no {missing}" in refused.json()["detail"]
