"""Forged or altered bearer tokens: each is refused with a challenge."""

import hashlib
import hmac
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from support.guarded_app import REPORT, GuardedApp
from support.issuer import (
    AUDIENCE,
    Issuer,
    claims_of,
    private_key,
    public_jwk,
    running_issuer,
    seconds_now,
    unsigned,
)

shares = pytest.mark.asyncio(loop_scope="module")


def hs256_with_the_public_key(issuer: Issuer) -> str:
    """Returns a token with the classic confusion: the public key as the secret of an HMAC."""
    public = private_key("first").public_key()
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    good = issuer.token()
    token = unsigned({"alg": "HS256", "typ": "at+jwt", "kid": "first"}, claims_of(good))
    signing_input = token.rpartition(".")[0]
    signature = hmac.digest(pem, signing_input.encode(), hashlib.sha256)
    return f"{signing_input}.{jwt.utils.base64url_encode(signature).decode()}"


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
    "expired": (lambda i: i.token(exp=seconds_now() - 70), "expired"),
    "no expiry": (lambda i: i.token(exp=None), "missing claim"),
    "an expiry that is no number": (lambda i: i.token(exp="soon"), "malformed token"),
    "not valid yet": (lambda i: i.token(nbf=seconds_now() + 70), "not yet valid"),
    "issued in the future": (lambda i: i.token(iat=seconds_now() + 70), "not yet valid"),
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
async def test_forged_or_invalid_token_is_refused_with_a_challenge(
    name: str, shared: tuple[Issuer, GuardedApp], log: list[dict[str, Any]]
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


async def test_keys_are_never_fetched_from_an_address_inside_a_token(
    issuer: Issuer, api: GuardedApp
) -> None:
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
