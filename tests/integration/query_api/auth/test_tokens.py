"""Bearer tokens of a real issuer: which are accepted, and what their claims allow."""

from collections.abc import Callable
from typing import Any

import pytest

from support.guarded_app import REPORT, GuardedApp, guarded_app
from support.issuer import AUDIENCE, Issuer, seconds_now

shares = pytest.mark.asyncio(loop_scope="module")


GOOD: dict[str, Callable[[Issuer], str]] = {
    "RS256": lambda i: i.token(),
    "ES256": lambda i: i.token(key="curve", algorithm="ES256"),
    "application/at+jwt": lambda i: i.token(headers={"typ": "application/at+jwt"}),
    "Keycloak": lambda i: i.token(headers={"typ": "JWT"}, typ="Bearer", azp="obzvon-web"),
    "Keycloak before 25": lambda i: i.token(headers={"typ": "JWT"}, typ="Bearer", nonce="n"),
    "several audiences": lambda i: i.token(aud=["account", AUDIENCE]),
    "expired within the leeway": lambda i: i.token(exp=seconds_now() - 50),
    "begins within the leeway": lambda i: i.token(nbf=seconds_now() + 50),
    "issued ahead within the leeway": lambda i: i.token(iat=seconds_now() + 50),
    "unknown claims": lambda i: i.token(foo={"bar": [1, None]}),
}


@shares
@pytest.mark.parametrize("name", GOOD)
async def test_an_access_token_of_the_issuer_opens_the_report(
    name: str, shared: tuple[Issuer, GuardedApp]
) -> None:
    issuer, api = shared
    answer = await api.get(REPORT, GOOD[name](issuer))
    assert answer.status_code == 200, answer.text
    assert answer.json()["subject"] == "u-1"


@shares
async def test_two_authorization_headers_are_refused(shared: tuple[Issuer, GuardedApp]) -> None:
    issuer, api = shared
    headers = [("Authorization", f"Bearer {issuer.token()}")] * 2
    assert (await api.client.get(REPORT, headers=headers)).status_code == 401


@shares
@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "bearer", "Token x", ""])
async def test_another_scheme_is_refused(header: str, shared: tuple[Issuer, GuardedApp]) -> None:
    _, api = shared
    answer = await api.client.get(REPORT, headers={"Authorization": header})
    assert answer.status_code == 401


@shares
async def test_token_in_the_url_is_not_accepted(shared: tuple[Issuer, GuardedApp]) -> None:
    issuer, api = shared
    answer = await api.get(f"{REPORT}?access_token={issuer.token()}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="obzvon"'


async def test_untyped_token_is_accepted_only_if_the_setting_allows_it(issuer: Issuer) -> None:
    async with guarded_app(issuer, oidc_untyped_tokens=True) as api:
        assert (await api.get(REPORT, issuer.token(headers={"typ": "JWT"}))).status_code == 200
        assert (await api.get(REPORT, issuer.token(headers={"typ": None}))).status_code == 200
        for mark in ("nonce", "at_hash", "c_hash"):
            token = issuer.token(headers={"typ": "JWT"}, **{mark: "x"})
            assert (await api.get(REPORT, token)).status_code == 401


@pytest.mark.parametrize(
    ("path", "claims"),
    [
        ("roles", {"roles": ["boss"]}),
        ("realm_access.roles", {"realm_access": {"roles": ["x", "boss"]}}),
        ("resource_access.obzvon.roles", {"resource_access": {"obzvon": {"roles": ["boss"]}}}),
        ("https://calls.example/roles", {"https://calls.example/roles": ["boss"]}),
        ("role", {"role": "boss"}),
    ],
)
async def test_roles_are_read_from_the_configured_claim(
    path: str, claims: dict[str, Any], issuer: Issuer
) -> None:
    async with guarded_app(issuer, oidc_roles_claim=path, oidc_role_head="boss") as api:
        answer = await api.get(REPORT, issuer.token(None, **claims))
        assert answer.json()["roles"] == ["head"]
        assert (await api.get(REPORT, issuer.token("head"))).status_code == 403


@shares
@pytest.mark.parametrize(
    "claims",
    [
        {"realm_access": None},
        {"realm_access": "head"},
        {"realm_access": {"roles": None}},
        {"realm_access": {"roles": {"head": True}}},
        {"realm_access": {"roles": ["Head", "head ", "wallboard"]}},
        {"realm_access": {"roles": [["head"]]}},
        {"realm_access": ["head"]},
    ],
)
async def test_malformed_roles_give_no_access(
    claims: dict[str, Any], shared: tuple[Issuer, GuardedApp]
) -> None:
    issuer, api = shared
    assert (await api.get(REPORT, issuer.token(None, **claims))).status_code == 403


@shares
@pytest.mark.parametrize(
    ("claims", "operators", "managers"),
    [
        ({}, None, None),
        ({"obzvon_operators": None}, None, None),
        ({"obzvon_operators": ["b", "a"]}, ["a", "b"], None),
        ({"obzvon_operators": "a"}, ["a"], None),
        ({"obzvon_operators": []}, [], None),
        ({"obzvon_managers": ["m"]}, None, ["m"]),
        ({"obzvon_operators": [""], "obzvon_managers": []}, [""], []),
    ],
)
async def test_a_claim_restricts_to_operators_and_managers(
    claims: dict[str, Any],
    operators: list[str] | None,
    managers: list[str] | None,
    shared: tuple[Issuer, GuardedApp],
) -> None:
    issuer, api = shared
    seen = (await api.get(REPORT, issuer.token(**claims))).json()
    assert (seen["operators"], seen["managers"]) == (operators, managers)


@shares
@pytest.mark.parametrize("value", [True, 7, {"a": 1}, ["a", 1], [["a"]], ["\ud800"]])
async def test_request_with_an_unreadable_restriction_is_refused(
    value: Any, shared: tuple[Issuer, GuardedApp]
) -> None:
    issuer, api = shared
    answer = await api.get(REPORT, issuer.token(obzvon_operators=value))
    assert answer.status_code == 403


@pytest.mark.parametrize("value", ["a", ["a"], True, 7])
async def test_request_is_refused_if_the_restriction_claim_has_the_wrong_shape(
    value: Any, issuer: Issuer
) -> None:
    async with guarded_app(issuer, oidc_operators_claim="obzvon.operators") as api:
        assert (await api.get(REPORT, issuer.token(obzvon=value))).status_code == 403
        within = (await api.get(REPORT, issuer.token(obzvon={"operators": ["a"]}))).json()
        assert within["operators"] == ["a"]
        assert (await api.get(REPORT, issuer.token(obzvon={}))).json()["operators"] is None


@shares
@pytest.mark.parametrize("claims", [{"exp": 10**400}, {"sub": "\ud800"}])
async def test_token_with_an_impossible_claim_gets_401(
    claims: dict[str, Any], shared: tuple[Issuer, GuardedApp]
) -> None:
    issuer, api = shared
    assert (await api.get(REPORT, issuer.token(**claims))).status_code == 401
