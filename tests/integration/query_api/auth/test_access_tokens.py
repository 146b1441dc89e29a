"""Bearer tokens against a real issuer: which open the door, and how each attack fails."""

import asyncio
import hashlib
import hmac
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import jwt
import pytest
import pytest_asyncio
import structlog
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from query_api.auth import Caller
from query_api.auth import access as access_module
from query_api.auth import issuer as issuer_module
from support.guarded import Guarded, guarded
from support.issuer import AUDIENCE, Issuer, private_key, public_jwk, running_issuer, unsigned
from support.waiting import until

REPORT = "/api/v1/report"
ROWS = "/api/v1/contacts"


@pytest_asyncio.fixture
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        yield running


@pytest.fixture
def log() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as lines:
        yield lines


@pytest_asyncio.fixture
async def api(issuer: Issuer) -> AsyncIterator[Guarded]:
    async with guarded(issuer) as running:
        yield running


# The tables of tokens share one issuer and one app: no token in them changes either.


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[tuple[Issuer, Guarded]]:
    async with (
        running_issuer() as issuer,
        guarded(issuer, rate_limit="none", rate_limit_unknown="none") as api,
    ):
        yield issuer, api


shares = pytest.mark.asyncio(loop_scope="module")


def now() -> int:
    return int(time.time())


GOOD: dict[str, Callable[[Issuer], str]] = {
    "RS256": lambda i: i.token(),
    "ES256": lambda i: i.token(key="curve", algorithm="ES256"),
    "application/at+jwt": lambda i: i.token(headers={"typ": "application/at+jwt"}),
    "Keycloak": lambda i: i.token(headers={"typ": "JWT"}, typ="Bearer", azp="obzvon-web"),
    "Keycloak before 25": lambda i: i.token(headers={"typ": "JWT"}, typ="Bearer", nonce="n"),
    "several audiences": lambda i: i.token(aud=["account", AUDIENCE]),
    "expired within the leeway": lambda i: i.token(exp=now() - 50),
    "begins within the leeway": lambda i: i.token(nbf=now() + 50),
    "issued ahead within the leeway": lambda i: i.token(iat=now() + 50),
    "unknown claims": lambda i: i.token(foo={"bar": [1, None]}),
}


@shares
@pytest.mark.parametrize("name", GOOD)
async def test_an_access_token_of_the_issuer_opens_the_report(
    name: str, shared: tuple[Issuer, Guarded]
) -> None:
    issuer, api = shared
    answer = await api.get(REPORT, GOOD[name](issuer))
    assert answer.status_code == 200, answer.text
    assert answer.json()["subject"] == "u-1"


def hs256_with_the_public_key(issuer: Issuer) -> str:
    """The classic confusion: the public key as the secret of an HMAC."""
    public = private_key("first").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    good = issuer.token()
    token = unsigned({"alg": "HS256", "typ": "at+jwt", "kid": "first"}, claims_of(good))
    signing_input = token.rpartition(".")[0]
    signature = hmac.digest(pem, signing_input.encode(), hashlib.sha256)
    return f"{signing_input}.{jwt.utils.base64url_encode(signature).decode()}"


def claims_of(token: str) -> dict[str, Any]:
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def alg_none(spelling: str) -> Callable[[Issuer], str]:
    return lambda i: unsigned(
        {"alg": spelling, "typ": "at+jwt", "kid": "first"}, claims_of(i.token())
    )


def tampered(issuer: Issuer) -> str:
    head, _, signature = issuer.token("other").split(".")
    forged = claims_of(issuer.token("head"))
    return f"{head}.{unsigned({}, forged).split('.')[1]}.{signature}"


ATTACKS: dict[str, tuple[Callable[[Issuer], str], str]] = {
    "alg none": (alg_none("none"), "wrong algorithm"),
    "alg None": (alg_none("None"), "wrong algorithm"),
    "alg nOnE": (alg_none("nOnE"), "wrong algorithm"),
    "no alg": (alg_none(""), "wrong algorithm"),
    "HS256 with the public key": (hs256_with_the_public_key, "wrong algorithm"),
    "HS256": (
        lambda i: unsigned({"alg": "HS256", "kid": "first"}, claims_of(i.token()), "c2ln"),
        "wrong algorithm",
    ),
    "RS384": (lambda i: i.token(algorithm="RS384"), "wrong algorithm"),
    "PS256": (lambda i: i.token(algorithm="PS256"), "wrong algorithm"),
    "ES256 under the id of an RSA key": (
        lambda i: i.token(key="curve", algorithm="ES256", headers={"kid": "first"}),
        "wrong algorithm",
    ),
    "a stranger's key under a known id": (
        lambda i: i.token(key="stranger", headers={"kid": "first"}),
        "bad signature",
    ),
    "a stranger's key id": (lambda i: i.token(key="stranger"), "unknown key"),
    "no key id": (lambda i: i.token(headers={"kid": None}), "no key id"),
    "an empty key id": (lambda i: i.token(headers={"kid": ""}), "no key id"),
    "a key id that is a path": (
        lambda i: i.token(headers={"kid": "../../../../dev/null"}),
        "unknown key",
    ),
    "a key id that is a path to a known one": (
        lambda i: i.token(headers={"kid": "x/../first"}),
        "unknown key",
    ),
    "a key id that is an address": (
        lambda i: i.token(headers={"kid": "http://127.0.0.1:1/jwks#first"}),
        "unknown key",
    ),
    "a key id with a null byte": (lambda i: i.token(headers={"kid": "first\x00"}), "unknown key"),
    "a huge key id": (lambda i: i.token(headers={"kid": "k" * 5_000}), "no key id"),
    "a key id that is a list": (
        lambda i: unsigned({"alg": "RS256", "kid": ["first"]}, claims_of(i.token()), "c2ln"),
        "malformed token",
    ),
    "claims changed after signing": (tampered, "bad signature"),
    "signature cut off": (lambda i: i.token().rpartition(".")[0] + ".", "bad signature"),
    "a foreign issuer": (lambda i: i.token(iss="https://evil.example"), "wrong issuer"),
    "the issuer with a slash": (lambda i: i.token(iss=f"{i.url}/"), "wrong issuer"),
    "the issuer as a number": (
        lambda i: i.signed(claims_of(i.token()) | {"iss": 1}),
        "wrong issuer",
    ),
    "the issuer as a list": (
        lambda i: i.signed(claims_of(i.token()) | {"iss": [i.url]}),
        "wrong issuer",
    ),
    "no issuer": (lambda i: i.token(iss=None), "missing claim"),
    "another audience": (lambda i: i.token(aud="obzvon-web"), "wrong audience"),
    "an audience that begins alike": (lambda i: i.token(aud="obzvon-api"), "wrong audience"),
    "the audience in capitals": (lambda i: i.token(aud="OBZVON"), "wrong audience"),
    "the audience as a part": (lambda i: i.token(aud=["x obzvon y"]), "wrong audience"),
    "no audience": (lambda i: i.token(aud=None), "missing claim"),
    "expired": (lambda i: i.token(exp=now() - 70), "expired"),
    "no expiry": (lambda i: i.token(exp=None), "missing claim"),
    "an expiry that is no number": (lambda i: i.token(exp="soon"), "malformed token"),
    "not valid yet": (lambda i: i.token(nbf=now() + 70), "not yet valid"),
    "issued in the future": (lambda i: i.token(iat=now() + 70), "not yet valid"),
    "no time of issue": (lambda i: i.token(iat=None), "missing claim"),
    "no subject": (lambda i: i.token(sub=None), "missing claim"),
    "an ID token": (lambda i: i.id_token(), "wrong audience"),
    "an ID token for our audience": (
        lambda i: i.id_token(aud=AUDIENCE, realm_access={"roles": ["head"]}),
        "not an access token",
    ),
    "an ID token with a nonce": (
        lambda i: i.id_token(aud=[AUDIENCE, "obzvon-web"], nonce="n"),
        "not an access token",
    ),
    "an ID token that claims to be at+jwt": (
        lambda i: i.token(at_hash="x"),
        "not an access token",
    ),
    "Keycloak's ID token": (
        lambda i: i.id_token(aud=[AUDIENCE, "obzvon-web"], typ="ID"),
        "not an access token",
    ),
    "Keycloak's refresh token": (
        lambda i: i.token(headers={"typ": "JWT"}, typ="Refresh"),
        "not an access token",
    ),
    "a logout token": (
        lambda i: i.token(headers={"typ": "logout+jwt"}, typ="Bearer"),
        "not an access token",
    ),
    "an untyped token": (lambda i: i.token(headers={"typ": "JWT"}), "not an access token"),
    "a critical extension": (
        lambda i: i.token(headers={"crit": ["exp"], "exp": 1}),
        "malformed token",
    ),
    "a huge token": (lambda i: i.token(padding="x" * 20_000), "token too large"),
    "a deeply nested header": (
        lambda _: unsigned("[" * 8_000, {}, "c2ln"),
        "malformed token",
    ),
    "a header that is a number": (lambda _: unsigned(1, {}, "c2ln"), "malformed token"),
    "five parts, encrypted": (lambda _: "a.b.c.d.e", "malformed token"),
    "no token at all": (lambda _: "x", "malformed token"),
    "a wallboard key as a token": (lambda _: "obzkey_0011aabb_" + "s" * 43, "malformed token"),
    "two tokens": (lambda i: f"{i.token()} {i.token()}", "malformed token"),
    "not ASCII": (lambda _: "тoken", "malformed token"),
}


@shares
@pytest.mark.parametrize("name", ATTACKS)
async def test_a_bad_token_is_refused_with_a_challenge(
    name: str, shared: tuple[Issuer, Guarded], log: list[dict[str, Any]]
) -> None:
    issuer, api = shared
    make, why = ATTACKS[name]
    token = make(issuer)
    answer = await api.client.get(REPORT, headers=[(b"authorization", b"Bearer " + token.encode())])
    assert answer.status_code == 401, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["www-authenticate"].startswith('Bearer realm="obzvon"')
    assert answer.json()["status"] == 401
    assert [line["why"] for line in log if line["event"] == "refused"] == [why]
    assert token not in str(log)


async def test_keys_are_never_fetched_from_where_a_token_says(issuer: Issuer, api: Guarded) -> None:
    async with running_issuer() as evil:
        evil.jwks = [public_jwk("stranger", kid="first"), public_jwk("stranger")]
        for kid in ("first", "stranger"):
            header = {
                "kid": kid,
                "jku": f"{evil.url}/jwks",
                "x5u": f"{evil.url}/jwks",
                "jwk": public_jwk("stranger"),
            }
            answer = await api.get(REPORT, issuer.token(key="stranger", headers=header))
            assert answer.status_code == 401
        assert evil.jwks_fetches == 0


@shares
async def test_two_authorization_headers_are_refused(shared: tuple[Issuer, Guarded]) -> None:
    issuer, api = shared
    headers = [("Authorization", f"Bearer {issuer.token()}")] * 2
    assert (await api.client.get(REPORT, headers=headers)).status_code == 401


@shares
@pytest.mark.parametrize("header", ["Basic YTpi", "Bearer", "bearer", "Token x", ""])
async def test_another_scheme_is_refused(header: str, shared: tuple[Issuer, Guarded]) -> None:
    _, api = shared
    answer = await api.client.get(REPORT, headers={"Authorization": header})
    assert answer.status_code == 401


@shares
async def test_a_token_in_the_address_opens_nothing(shared: tuple[Issuer, Guarded]) -> None:
    issuer, api = shared
    answer = await api.get(f"{REPORT}?access_token={issuer.token()}")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == 'Bearer realm="obzvon"'


async def test_an_untyped_token_passes_only_where_the_setting_says_so(issuer: Issuer) -> None:
    async with guarded(issuer, oidc_untyped_tokens=True) as api:
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
async def test_roles_are_read_from_the_claim_that_is_set(
    path: str, claims: dict[str, Any], issuer: Issuer
) -> None:
    async with guarded(issuer, oidc_roles_claim=path, oidc_role_head="boss") as api:
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
async def test_what_is_no_role_gives_no_right(
    claims: dict[str, Any], shared: tuple[Issuer, Guarded]
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
    shared: tuple[Issuer, Guarded],
) -> None:
    issuer, api = shared
    seen = (await api.get(REPORT, issuer.token(**claims))).json()
    assert (seen["operators"], seen["managers"]) == (operators, managers)


@shares
@pytest.mark.parametrize("value", [True, 7, {"a": 1}, ["a", 1], [["a"]], ["\ud800"]])
async def test_a_restriction_that_cannot_be_read_refuses(
    value: Any, shared: tuple[Issuer, Guarded]
) -> None:
    issuer, api = shared
    answer = await api.get(REPORT, issuer.token(obzvon_operators=value))
    assert answer.status_code == 403


@pytest.mark.parametrize("value", ["a", ["a"], True, 7])
async def test_a_restriction_whose_path_leads_astray_refuses(value: Any, issuer: Issuer) -> None:
    async with guarded(issuer, oidc_operators_claim="obzvon.operators") as api:
        assert (await api.get(REPORT, issuer.token(obzvon=value))).status_code == 403
        within = (await api.get(REPORT, issuer.token(obzvon={"operators": ["a"]}))).json()
        assert within["operators"] == ["a"]
        assert (await api.get(REPORT, issuer.token(obzvon={}))).json()["operators"] is None


@shares
@pytest.mark.parametrize("claims", [{"exp": 10**400}, {"sub": "\ud800"}])
async def test_a_claim_that_nothing_can_hold_is_a_401(
    claims: dict[str, Any], shared: tuple[Issuer, Guarded]
) -> None:
    issuer, api = shared
    assert (await api.get(REPORT, issuer.token(**claims))).status_code == 401


# Keys of the issuer


async def test_a_hundred_first_tokens_fetch_the_keys_once(issuer: Issuer, api: Guarded) -> None:
    tokens = [issuer.token(sub=f"u-{n}") for n in range(100)]
    answers = await asyncio.gather(*(api.get(REPORT, token) for token in tokens))
    assert {answer.status_code for answer in answers} == {200}
    assert issuer.jwks_fetches == 1


async def test_a_herd_of_unknown_key_ids_fetches_at_most_once_in_ten_seconds(
    issuer: Issuer,
) -> None:
    async with guarded(issuer, rate_limit_unknown="none") as api:
        assert (await api.get(REPORT, issuer.token())).status_code == 200
        assert issuer.jwks_fetches == 1

        async def herd(name: str) -> set[int]:
            tokens = [issuer.token(headers={"kid": f"{name}-{n}"}) for n in range(40)]
            answers = await asyncio.gather(*(api.get(REPORT, token) for token in tokens))
            return {answer.status_code for answer in answers}

        assert await herd("at once") == {401}
        assert issuer.jwks_fetches == 1
        for fetches in (2, 3):
            api.monotonic.advance(10.1)
            assert await herd(f"after {fetches}") == {401}
            assert await herd(f"again {fetches}") == {401}
            assert issuer.jwks_fetches == fetches


async def test_a_new_key_is_found_by_its_unknown_id(issuer: Issuer, api: Guarded) -> None:
    assert (await api.get(REPORT, issuer.token())).status_code == 200
    issuer.jwks.append(public_jwk("second"))
    api.monotonic.advance(10.1)
    assert (await api.get(REPORT, issuer.token(key="second"))).status_code == 200
    assert (await api.get(REPORT, issuer.token(sub="u-2"))).status_code == 200
    assert issuer.jwks_fetches == 2


@pytest.mark.parametrize("change", ["withdrawn", "replaced"])
async def test_tokens_of_a_key_that_is_gone_are_refused_even_if_remembered(
    change: str, issuer: Issuer, api: Guarded
) -> None:
    token, other = issuer.token(), issuer.token(key="curve", algorithm="ES256")
    assert (await api.get(REPORT, token)).status_code == 200
    issuer.jwks[0] = public_jwk("second", kid="second" if change == "withdrawn" else "first")
    api.monotonic.advance(issuer_module.REFRESH_S + 1)
    assert (await api.get(REPORT, token)).status_code == 200  # the refresh runs behind its back

    async def is_refused() -> Any:
        return (await api.get(REPORT, token)).status_code == 401

    await until(is_refused)
    assert (await api.get(REPORT, other)).status_code == 200


async def test_without_keys_nobody_gets_in_and_the_answer_is_503(
    issuer: Issuer, api: Guarded
) -> None:
    issuer.is_down = True
    answer = await api.get(REPORT, issuer.token())
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    issuer.is_down = False
    assert (await api.get(REPORT, issuer.token())).status_code == 503  # not asked again so soon
    api.monotonic.advance(issuer_module.RETRY_PAUSE_S)
    assert (await api.get(REPORT, issuer.token())).status_code == 200


async def test_with_keys_an_outage_of_the_issuer_goes_unnoticed(
    issuer: Issuer, api: Guarded
) -> None:
    assert (await api.get(REPORT, issuer.token())).status_code == 200
    issuer.is_down = True
    api.monotonic.advance(issuer_module.REFRESH_S + 1)
    assert (await api.get(REPORT, issuer.token(sub="u-2"))).status_code == 200
    assert (await api.get(REPORT, issuer.token("other"))).status_code == 403
    assert (await api.get(REPORT, issuer.token(exp=1))).status_code == 401
    api.monotonic.advance(60)
    assert (await api.get(REPORT, issuer.token(key="second"))).status_code == 503


async def test_keys_that_are_a_day_old_open_nothing_any_more(issuer: Issuer, api: Guarded) -> None:
    assert (await api.get(REPORT, issuer.token())).status_code == 200
    issuer.is_down = True
    api.monotonic.advance(issuer_module.KEYS_LIVE_S)
    assert (await api.get(REPORT, issuer.token(sub="u-2"))).status_code == 503


async def test_an_issuer_that_never_answers_holds_no_request_long(
    issuer: Issuer, api: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_module, "FETCH_TIMEOUT_S", 0.2)
    issuer.stalls = True
    async with asyncio.timeout(2):
        assert (await api.get(REPORT, issuer.token())).status_code == 503


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": "http://keys.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://\u2603.example/jwks"},
        {"jwks_uri": None},
        {"token_endpoint": "http://login.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
async def test_a_discovery_document_that_leads_astray_gives_no_keys(
    discovery: dict[str, Any], issuer: Issuer, api: Guarded
) -> None:
    issuer.discovery = discovery
    assert (await api.get(REPORT, issuer.token())).status_code == 503


async def test_the_keys_address_can_be_set(issuer: Issuer) -> None:
    issuer.discovery = {"issuer": "https://evil.example"}
    async with guarded(issuer, oidc_jwks_url=f"{issuer.url}/jwks") as api:
        assert (await api.get(REPORT, issuer.token())).status_code == 200


# What is remembered


async def test_a_remembered_token_is_refused_once_it_has_expired(
    issuer: Issuer, api: Guarded
) -> None:
    token = issuer.token(exp=now() - 58)  # one or two seconds of leeway are left
    assert (await api.get(REPORT, token)).status_code == 200

    async def is_refused() -> Any:
        api.clock.advance(0.1)
        return (await api.get(REPORT, token)).status_code == 401

    await until(is_refused)


async def test_a_remembered_token_needs_neither_signature_check_nor_issuer(
    issuer: Issuer, api: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = api.access.tokens.caller
    reads: list[str] = []

    async def counted(token: str) -> Caller:
        reads.append(token)
        return await read(token)

    monkeypatch.setattr(api.access.tokens, "caller", counted)
    tokens = [issuer.token(), issuer.token(sub="u-2")]
    for token in tokens * 3:
        assert (await api.get(REPORT, token)).status_code == 200
    assert reads == tokens


async def test_only_so_many_tokens_are_remembered(
    issuer: Issuer, api: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "REMEMBERED", 5)
    for n in range(20):
        assert (await api.get(REPORT, issuer.token(sub=f"u-{n}"))).status_code == 200
    assert len(api.access._known) == 5


async def test_a_refused_token_is_not_remembered(issuer: Issuer, api: Guarded) -> None:
    await api.get(REPORT, issuer.token(exp=1))
    assert not api.access._known
