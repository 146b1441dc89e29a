"""Sessions of browsers that have logged in: looked up, renewed, ended."""

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
import redis.asyncio

from query_api.auth import RECHECK_S
from query_api.auth.credentials import Credential
from query_api.auth.store import sha256
from support.browser import COOKIE, logged_in
from support.guarded_app import REPORT, GuardedApp, guarded_app
from support.issuer import Issuer


@pytest_asyncio.fixture
async def api(issuer: Issuer, redis_url: str) -> AsyncIterator[GuardedApp]:
    async with guarded_app(issuer, access_redis_url=redis_url, login=True) as running:
        yield running


# How a session ends


async def test_logging_out_ends_the_session_at_once_here_and_at_the_issuer(
    issuer: Issuer, api: GuardedApp
) -> None:
    await logged_in(api)
    cookie = api.client.cookies[COOKIE]
    assert (await api.get(REPORT)).status_code == 200
    answer = await api.client.post(
        "/logout", headers={"Origin": api.access.settings.public_url or ""}
    )
    assert answer.status_code == 303
    assert answer.headers["location"].startswith(f"{issuer.url}/bye?client_id=obzvon-web")
    assert COOKIE not in api.client.cookies
    answer = await api.client.get(REPORT, headers={"Cookie": f"{COOKIE}={cookie}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("headers", [{}, {"Origin": "https://evil.example"}, {"Origin": "null"}])
async def test_page_of_another_site_cannot_log_anyone_out(
    headers: dict[str, str], api: GuardedApp
) -> None:
    await logged_in(api)
    assert (await api.client.post("/logout", headers=headers)).status_code == 403
    assert (await api.client.get("/logout")).status_code == 405
    assert (await api.get(REPORT)).status_code == 200


async def test_without_a_refresh_token_a_session_ends_with_its_access_token(
    issuer: Issuer, api: GuardedApp
) -> None:
    issuer.gives_refresh_tokens = False
    await logged_in(api)
    api.clock.advance(issuer.access_ttl_s)
    assert (await api.get(REPORT)).status_code == 200  # the leeway
    api.clock.advance(61)
    assert (await api.get(REPORT)).status_code == 401


async def test_hundred_simultaneous_requests_to_two_processes_renew_the_session_once(
    issuer: Issuer, api: GuardedApp, redis_url: str
) -> None:
    await logged_in(api)
    async with guarded_app(issuer, login=True, access_redis_url=redis_url) as other:
        pass_the_access_token_by(issuer, api)
        other.clock.now = api.clock.now
        issuer.slowness_s = 0.3  # long enough for the other process to need it too
        cookie = f"{COOKIE}={api.client.cookies[COOKIE]}"
        answers = await asyncio.gather(
            *(one.get(REPORT, Cookie=cookie) for one in (api, other) for _ in range(50))
        )
    assert {answer.status_code for answer in answers} == {200}
    assert issuer.refreshes == 1


async def test_simultaneous_requests_with_one_cookie_look_up_the_session_once(
    api: GuardedApp, redis_url: str
) -> None:
    await logged_in(api)
    async with redis.asyncio.from_url(redis_url) as client:
        before = await reads(client)
        credential = credential_of(api)
        callers = await asyncio.gather(*(api.access.verify(credential) for _ in range(50)))
        assert {caller.subject for caller in callers} == {"u-1"}
        assert await reads(client) - before == 1


async def test_abandoned_request_does_not_cancel_the_session_check_for_others(
    api: GuardedApp,
) -> None:
    await logged_in(api)
    credential = credential_of(api)
    first, second = (asyncio.create_task(api.access.verify(credential)) for _ in range(2))
    await asyncio.sleep(0)
    first.cancel()
    assert (await second).subject == "u-1"
    assert first.cancelled()
    assert not api.access._checking


async def reads(client: Any) -> int:
    """Returns how many GET commands the server has received."""
    return int((await client.info("commandstats")).get("cmdstat_get", {}).get("calls", 0))


def credential_of(api: GuardedApp) -> Credential:
    cookie = f"{COOKIE}={api.client.cookies[COOKIE]}".encode()
    credential = api.access.credential([(b"cookie", cookie)])
    assert credential is not None
    return credential


def pass_the_access_token_by(issuer: Issuer, api: GuardedApp) -> None:
    """Let the access token expire; the next tokens are valid for much longer."""
    api.clock.advance(issuer.access_ttl_s + 61)
    issuer.access_ttl_s = api.clock() - time.time() + 300


async def test_process_that_read_the_session_before_its_renewal_does_not_renew_it_again(
    issuer: Issuer, api: GuardedApp
) -> None:
    await logged_in(api)
    cookie = api.client.cookies[COOKIE]
    seen_before = await api.access.sessions.store.session(sha256(cookie))
    assert seen_before is not None
    pass_the_access_token_by(issuer, api)
    assert (await api.get(REPORT)).status_code == 200
    renewal = api.access.sessions.renewal
    assert renewal is not None
    renewed = await renewal.renew(sha256(cookie), cookie, seen_before)
    assert renewed is not None
    assert renewed.rights_end_at > api.clock()
    assert issuer.refreshes == 1


async def test_renewal_takes_over_the_new_claims_of_the_issuer(
    issuer: Issuer, api: GuardedApp
) -> None:
    await logged_in(api)
    issuer.claims = {"realm_access": {"roles": ["quality_control"]}, "obzvon_operators": ["o-9"]}
    assert (await api.get(REPORT)).json()["roles"] == ["head"]
    pass_the_access_token_by(issuer, api)
    seen = (await api.get(REPORT)).json()
    assert (seen["roles"], seen["operators"]) == (["quality_control"], ["o-9"])


async def test_a_role_that_was_taken_away_is_gone_after_the_renewal(
    issuer: Issuer, api: GuardedApp
) -> None:
    await logged_in(api)
    issuer.claims = {"realm_access": {"roles": []}}
    pass_the_access_token_by(issuer, api)
    assert (await api.get(REPORT)).status_code == 403


@pytest.mark.parametrize("reason", ["withdrawn", "another person"])
async def test_a_renewal_that_the_issuer_does_not_confirm_ends_the_session(
    reason: str, issuer: Issuer, api: GuardedApp, redis_url: str
) -> None:
    await logged_in(api)
    if reason == "withdrawn":
        issuer.refresh_tokens.clear()
    else:
        issuer.claims = {"sub": "u-2"}
    pass_the_access_token_by(issuer, api)
    assert (await api.get(REPORT)).status_code == 401
    async with redis.asyncio.from_url(redis_url) as client:
        assert await client.keys("obzvon:access:session:*") == []


async def test_session_is_neither_renewed_nor_lost_during_an_issuer_outage(
    issuer: Issuer, api: GuardedApp
) -> None:
    await logged_in(api)
    pass_the_access_token_by(issuer, api)
    issuer.is_down = True
    assert (await api.get(REPORT)).status_code == 503
    issuer.is_down = False
    assert (await api.get(REPORT)).status_code == 200


async def test_session_ends_after_its_maximum_lifetime_whatever_the_issuer_says(
    issuer: Issuer, api: GuardedApp
) -> None:
    issuer.access_ttl_s = 30 * 24 * 3600
    await logged_in(api)
    api.clock.advance(11.9 * 3600)
    assert (await api.get(REPORT)).status_code == 200
    api.clock.advance(0.1 * 3600)
    assert (await api.get(REPORT)).status_code == 401


async def test_a_stream_of_a_session_ends_with_the_session(
    issuer: Issuer, api: GuardedApp, redis_url: str
) -> None:
    await logged_in(api)
    watching = await api.access.verify(credential_of(api))
    assert await api.access.still_allowed(watching)
    async with redis.asyncio.from_url(redis_url) as client:
        await client.flushall()  # as another process's logout would
    assert not await api.access.still_allowed(watching)
    api.clock.advance(RECHECK_S)
    assert (await api.get(REPORT)).status_code == 401
