"""GET /me: who is asking, by every kind of credential."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest_asyncio

from query_api.auth.tokens import LEEWAY_S
from support.browser import log_in
from support.guarded_app import GuardedApp, guarded_app
from support.issuer import Issuer, claims_of
from support.wallboard_keys import Keys

ME = "/api/v1/me"


@pytest_asyncio.fixture
async def api(issuer: Issuer, redis_url: str) -> AsyncIterator[GuardedApp]:
    async with guarded_app(issuer, access_redis_url=redis_url, login=True) as running:
        yield running


async def me(api: GuardedApp, token: str | None = None, **headers: str) -> dict[str, Any]:
    answer = await api.get(ME, token, **headers)
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found: dict[str, Any] = answer.json()
    return found


def moment(answer: dict[str, Any]) -> float:
    return datetime.fromisoformat(answer["until"]).timestamp()


async def test_a_person_sees_name_roles_and_when_the_token_ends(
    api: GuardedApp, issuer: Issuer
) -> None:
    token = issuer.token("quality_control")

    found = await me(api, token)

    assert found == {
        "name": "anna",
        "kind": "person",
        "roles": ["quality_control"],
        "restriction": None,
        "may_read_rows": True,
        "until": found["until"],
        "features": {"login": True, "wallboards": True},
    }
    assert moment(found) == claims_of(token)["exp"], "the leeway is not part of it"
    assert LEEWAY_S > 0


async def test_a_restriction_is_shown_as_the_ids_it_lists(api: GuardedApp, issuer: Issuer) -> None:
    token = issuer.token("head", obzvon_operators=["op-2", "op-1"])

    found = await me(api, token)

    assert found["restriction"] == {"operators": ["op-1", "op-2"], "managers": None}


async def test_a_program_with_a_token_of_its_own_is_a_service(
    api: GuardedApp, issuer: Issuer
) -> None:
    token = issuer.token("head", sub="warehouse", client_id="warehouse", preferred_username=None)

    found = await me(api, token)

    assert (found["kind"], found["name"]) == ("service", "warehouse")


async def test_a_token_that_ends_in_no_year_we_know_ends_in_the_last_one(
    api: GuardedApp, issuer: Issuer
) -> None:
    found = await me(api, issuer.token("head", exp=10**15))

    assert found["until"].startswith("9999-12-31")


async def test_a_session_ends_when_the_login_does_not_when_its_rights_are_renewed(
    api: GuardedApp, issuer: Issuer
) -> None:
    began = datetime.now(UTC).timestamp()
    await log_in(api)

    found = await me(api)

    hours = api.access.settings.session_hours
    assert (found["kind"], found["name"]) == ("person", "anna")
    assert abs(moment(found) - began - hours * 3600) < 60


async def test_a_session_that_can_t_be_renewed_ends_with_its_rights(
    api: GuardedApp, issuer: Issuer
) -> None:
    issuer.gives_refresh_tokens = False
    began = datetime.now(UTC).timestamp()
    await log_in(api)

    found = await me(api)

    assert abs(moment(found) - began - issuer.access_ttl_s - LEEWAY_S) < 60


async def test_a_wallboard_asks_with_its_key_and_with_its_cookie(
    keys: Keys, api: GuardedApp
) -> None:
    key = await keys.create("Зал, левый экран", "--operator", "op-1")
    header = {"Authorization": f"Key {key}"}

    by_key = await me(api, **header)
    exchanged = await api.client.post("/api/v1/wallboard/session", headers=header)
    by_cookie = await me(api)

    assert (by_key["kind"], by_key["name"]) == ("wallboard", "Зал, левый экран")
    assert (by_key["roles"], by_key["may_read_rows"]) == (["wallboard"], False)
    assert by_key["restriction"] == {"operators": ["op-1"], "managers": None}
    assert by_cookie == by_key
    assert moment(by_key) == datetime.fromisoformat(exchanged.json()["expires_at"]).timestamp()


async def test_what_is_switched_off_is_said(issuer: Issuer) -> None:
    async with guarded_app(issuer) as plain:
        found = await me(plain, issuer.token("head"))

    assert found["features"] == {"login": False, "wallboards": False}


async def test_without_a_role_nobody_is_told_anything(api: GuardedApp, issuer: Issuer) -> None:
    answer = await api.get(ME, issuer.token(None))

    assert answer.status_code == 403
    assert "anna" not in answer.text
