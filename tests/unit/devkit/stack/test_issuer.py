"""The development issuer: a strict verifier accepts its tokens, and its login uses PKCE."""

import base64
import hashlib
import re
import stat
from collections.abc import AsyncIterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import jwt
import pytest

from devkit.simulator.names import operator
from devkit.stack.issuer.people import ACCOUNTS, RESTRICTED_TO
from devkit.stack.issuer.tokens import AUDIENCE, Issuer, Person
from devkit.stack.issuer.web import create_app

URL = "http://127.0.0.1:9999"
CALLBACK = "http://127.0.0.1:8080/auth/callback"
VERIFIER = "a-verifier-of-enough-length-for-the-purpose-0123456789"
CHALLENGE = (
    base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).rstrip(b"=").decode()
)
ASKED = {
    "client_id": "obzvon-web",
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "openid profile",
    "state": "s-1",
    "nonce": "n-1",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


@pytest.fixture
def issuer(tmp_path: Path) -> Issuer:
    return Issuer.open(tmp_path / "issuer", URL)


@pytest.fixture
async def browser(issuer: Issuer) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(issuer))
    async with httpx.AsyncClient(transport=transport, base_url=URL) as client:
        yield client


def verified(issuer: Issuer, token: str, audience: str) -> dict[str, object]:
    kid = jwt.get_unverified_header(token)["kid"]
    (jwk,) = [key for key in issuer.jwks()["keys"] if key["kid"] == kid]
    return jwt.decode(
        token,
        jwt.PyJWK(jwk).key,
        algorithms=[jwk["alg"]],
        audience=audience,
        issuer=issuer.url,
        options={"require": ["exp", "iat", "sub", "iss", "aud"]},
    )


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_an_access_token_verifies_against_the_published_keys(
    issuer: Issuer, algorithm: str
) -> None:
    token = issuer.access_token(Person("head"), algorithm=algorithm)
    claims = verified(issuer, token, AUDIENCE)
    assert claims["roles"] == ["head"]
    assert claims["realm_access"] == {"roles": ["head"]}
    assert jwt.get_unverified_header(token)["typ"] == "at+jwt"
    assert {"nbf", "jti", "client_id"} <= claims.keys()


def test_restrictions_are_claims_only_when_given(issuer: Issuer) -> None:
    free = verified(issuer, issuer.access_token(Person("head")), AUDIENCE)
    assert not {"obzvon_operators", "obzvon_managers"} & free.keys()
    person = Person("head", operators=["op-1", "op-2"], managers=["m-1"])
    bound = verified(issuer, issuer.access_token(person), AUDIENCE)
    assert bound["obzvon_operators"] == ["op-1", "op-2"]
    assert bound["obzvon_managers"] == ["m-1"]


def test_an_expired_token_can_be_minted(issuer: Issuer) -> None:
    token = issuer.access_token(Person("head"), ttl_s=-60)
    with pytest.raises(jwt.ExpiredSignatureError):
        verified(issuer, token, AUDIENCE)


def test_keys_are_made_once_and_only_their_owner_reads_them(tmp_path: Path) -> None:
    first = Issuer.open(tmp_path, URL).jwks()
    assert Issuer.open(tmp_path, URL).jwks() == first
    assert {stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()} == {0o600}
    assert Issuer.open(tmp_path / "other", URL).jwks() != first


def test_published_keys_hold_nothing_private(issuer: Issuer) -> None:
    for key in issuer.jwks()["keys"]:
        assert not {"d", "p", "q", "dp", "dq", "qi"} & key.keys()


async def test_discovery_names_the_issuer_exactly(browser: httpx.AsyncClient) -> None:
    document = (await browser.get("/.well-known/openid-configuration")).json()
    assert document["issuer"] == URL
    assert (await browser.get(document["jwks_uri"])).json()["keys"]


async def _code(browser: httpx.AsyncClient, person: str = "head") -> str:
    answer = await browser.post("/authorize", data={**ASKED, "person": person})
    assert answer.status_code == 303
    location = answer.headers["location"]
    assert location.startswith(CALLBACK + "?")
    query = parse_qs(urlsplit(location).query)
    assert query["state"] == ["s-1"]
    assert query["iss"] == [URL]
    return query["code"][0]


def _redeem(code: str, **changed: str) -> dict[str, str]:
    return {
        "grant_type": "authorization_code",
        "code": code,
        "redirect_uri": CALLBACK,
        "client_id": "obzvon-web",
        "code_verifier": VERIFIER,
        **changed,
    }


async def test_the_login_page_offers_four_people(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/authorize", params={**ASKED, "state": '"><script>'})).text
    assert re.findall(r'<button name="person" value="(\w+)"', page) == list(ACCOUNTS)
    for title in ("Руководитель", "Контроль качества", "Руководитель группы", "Без роли"):
        assert f"<b>{title}</b>" in page
    for account in ACCOUNTS.values():
        assert f"{account.person.name} · " in page
    assert "<script>" not in page


async def test_the_first_person_of_the_login_page_has_the_focus(browser: httpx.AsyncClient) -> None:
    page = (await browser.get("/authorize", params=ASKED)).text
    assert '<button name="person" value="head" autofocus>' in page
    assert page.count("autofocus") == 1


@pytest.mark.parametrize(
    ("person", "subject", "roles", "operators"),
    [
        ("head", "dev-head", ["head"], None),
        ("quality_control", "dev-quality_control", ["quality_control"], None),
        ("restricted_head", "dev-restricted_head", ["head"], ["op-001", "op-002"]),
        ("no_role", "dev-no_role", [], None),
    ],
)
async def test_each_person_has_their_own_claims(
    browser: httpx.AsyncClient,
    issuer: Issuer,
    person: str,
    subject: str,
    roles: list[str],
    operators: list[str] | None,
) -> None:
    tokens = (await browser.post("/token", data=_redeem(await _code(browser, person)))).json()
    for token, audience in (("access_token", AUDIENCE), ("id_token", "obzvon-web")):
        claims = verified(issuer, tokens[token], audience)
        assert claims["sub"] == subject
        assert claims["roles"] == roles
        assert claims["realm_access"] == {"roles": roles}
        assert claims.get("obzvon_operators") == operators
        assert claims["name"] == ACCOUNTS[person].person.name


def test_the_restricted_head_sees_operators_of_the_simulator() -> None:
    assert {operator(number)["id"] for number in (1, 2)} == set(RESTRICTED_TO)


@pytest.mark.parametrize("person", [{}, {"person": ""}, {"person": "nobody"}, {"role": "head"}])
async def test_only_the_people_of_the_page_can_log_in(
    browser: httpx.AsyncClient, person: dict[str, str]
) -> None:
    answer = await browser.post("/authorize", data={**ASKED, **person})
    assert answer.status_code == 400
    assert "person must be one of head" in answer.json()["error_description"]


async def test_logging_in_gives_an_access_token_and_an_id_token(
    browser: httpx.AsyncClient, issuer: Issuer
) -> None:
    answer = await browser.post("/token", data=_redeem(await _code(browser, "quality_control")))
    assert answer.status_code == 200
    tokens = answer.json()
    assert verified(issuer, tokens["access_token"], AUDIENCE)["roles"] == ["quality_control"]
    identity = verified(issuer, tokens["id_token"], "obzvon-web")
    assert identity["nonce"] == "n-1"
    assert jwt.get_unverified_header(tokens["id_token"])["typ"] == "JWT"


async def test_authorization_code_works_only_once(browser: httpx.AsyncClient) -> None:
    code = await _code(browser)
    assert (await browser.post("/token", data=_redeem(code))).status_code == 200
    assert (await browser.post("/token", data=_redeem(code))).json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "changed",
    [
        {"code_verifier": "another"},
        {"redirect_uri": "http://127.0.0.1:8080/other"},
        {"client_id": "someone-else"},
    ],
)
async def test_authorization_code_works_only_for_the_client_that_asked(
    browser: httpx.AsyncClient, changed: dict[str, str]
) -> None:
    answer = await browser.post("/token", data=_redeem(await _code(browser), **changed))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"redirect_uri": "https://example.org/steal"}, "redirect_uri"),
        ({"code_challenge_method": "plain"}, "PKCE"),
        ({"scope": "profile"}, "openid"),
        ({"response_type": "token"}, "response_type"),
    ],
)
async def test_a_wrong_request_is_refused_before_any_redirect(
    browser: httpx.AsyncClient, changed: dict[str, str], named: str
) -> None:
    for answer in (
        await browser.get("/authorize", params={**ASKED, **changed}),
        await browser.post("/authorize", data={**ASKED, **changed, "person": "head"}),
    ):
        assert answer.status_code == 400
        assert named in answer.json()["error_description"]
