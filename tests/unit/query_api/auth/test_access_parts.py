"""The pure parts of access: the key set, types of tokens, the page after a login."""

from collections.abc import Callable
from typing import Any
from urllib.parse import urljoin, urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from query_api.auth.issuer import Unusable, signing_keys
from query_api.auth.login import safe_next
from query_api.auth.store import KEY_PREFIX, key_id, secret, split_key
from query_api.auth.tokens import is_access_token
from support.issuer import private_key, public_jwk


def without(jwk: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in jwk.items() if name not in names}


def curve_jwk(curve: ec.EllipticCurve) -> dict[str, Any]:
    key = ec.generate_private_key(curve).public_key()
    return {**ECAlgorithm.to_jwk(key, as_dict=True), "kid": "c"}


def weak_rsa() -> dict[str, Any]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=1024).public_key()
    return {**RSAAlgorithm.to_jwk(key, as_dict=True), "kid": "w"}


def private_jwk() -> dict[str, Any]:
    return {**RSAAlgorithm.to_jwk(private_key("first"), as_dict=True), "kid": "p"}


UNUSABLE: dict[str, Callable[[], Any]] = {
    "a shared secret": lambda: {"kty": "oct", "k": "c2VjcmV0", "kid": "s", "alg": "HS256"},
    "a weak RSA key": weak_rsa,
    "another curve": lambda: curve_jwk(ec.SECP384R1()),
    "an encryption key": lambda: {**public_jwk("first"), "use": "enc"},
    "a key for another algorithm": lambda: {**public_jwk("first"), "alg": "RS512"},
    "an EC key for RS256": lambda: {**public_jwk("curve", "ES256"), "alg": "RS256"},
    "a key without an id": lambda: without(public_jwk("first"), "kid"),
    "a key whose id is a number": lambda: {**public_jwk("first"), "kid": 1},
    "a private key": private_jwk,
    "half a key": lambda: without(public_jwk("first"), "n"),
    "a broken key": lambda: {**public_jwk("first"), "n": "!"},
    "another type": lambda: {"kty": "OKP", "crv": "Ed25519", "x": "AAAA", "kid": "o"},
    "no key": dict,
    "a word": lambda: "key",
    "nothing": lambda: None,
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_key_that_may_not_sign_is_ignored_and_the_others_are_kept(name: str) -> None:
    assert list(signing_keys({"keys": [UNUSABLE[name](), public_jwk("good")]})) == ["good"]
    with pytest.raises(Unusable):
        signing_keys({"keys": [UNUSABLE[name]()]})


@pytest.mark.parametrize("key_set", [{}, {"keys": None}, {"keys": {}}, {"keys": []}])
def test_empty_key_set_is_rejected(key_set: dict[str, Any]) -> None:
    with pytest.raises(Unusable):
        signing_keys(key_set)


def test_alg_and_use_may_be_left_out() -> None:
    keys = signing_keys({"keys": [without(public_jwk("first"), "alg", "use")]})
    assert keys["first"].algorithm == "RS256"


@pytest.mark.parametrize(
    ("header", "claims", "typed", "untyped"),
    [
        ({"typ": "at+jwt"}, {}, True, True),
        ({"typ": "application/at+jwt"}, {}, True, True),
        ({"typ": "AT+JWT"}, {"nonce": "n"}, True, True),
        ({"typ": "at+jwt"}, {"at_hash": "h"}, False, False),
        ({"typ": "JWT"}, {"typ": "Bearer"}, True, True),
        ({}, {"typ": "Bearer", "nonce": "n"}, True, True),
        ({"typ": "JWT"}, {"typ": "Bearer", "c_hash": "h"}, False, False),
        ({"typ": "JWT"}, {"typ": "ID"}, False, False),
        ({"typ": "JWT"}, {"typ": "Refresh"}, False, False),
        ({"typ": "JWT"}, {"typ": ["Bearer"]}, False, False),
        ({"typ": "JWT"}, {"typ": None}, False, False),
        ({"typ": "JWT"}, {}, False, True),
        ({}, {}, False, True),
        ({"typ": "JWT"}, {"nonce": "n"}, False, False),
        ({"typ": "dpop+jwt"}, {"typ": "Bearer"}, False, False),
        ({"typ": "secevent+jwt"}, {}, False, False),
        ({"typ": 1}, {"typ": "Bearer"}, False, False),
    ],
)
def test_a_token_must_say_that_it_is_an_access_token(
    header: dict[str, Any], claims: dict[str, Any], typed: bool, untyped: bool
) -> None:
    assert is_access_token(header, claims, untyped_too=False) is typed
    assert is_access_token(header, claims, untyped_too=True) is untyped


def as_a_browser_reads_it(path: str) -> str:
    """Browsers drop tabs and line ends, trim the rest, and read a backslash as a slash."""
    path = "".join(c for c in path if c not in "\t\r\n").strip("".join(map(chr, range(33))))
    return urljoin("https://obzvon.example/login/callback", path.replace("\\", "/"))


@given(st.text(alphabet="/\\\t\n\r :@.?#ae%\x00", max_size=12) | st.text(max_size=20))
def test_page_after_a_login_is_always_our_own(wanted: str) -> None:
    target = urlsplit(as_a_browser_reads_it(safe_next(wanted)))
    assert (target.scheme, target.netloc) == ("https", "obzvon.example")


@pytest.mark.parametrize("wanted", ["/", "/board", "/board?date=2026-11-24&q=%D0%98", "/a//b#c"])
def test_own_page_is_kept_as_the_target_after_a_login(wanted: str) -> None:
    assert safe_next(wanted) == wanted


def test_a_key_is_read_back_into_its_parts() -> None:
    for _ in range(200):  # secrets hold underscores now and then
        name, value = key_id(), secret()
        assert split_key(f"{KEY_PREFIX}_{name}_{value}") == (name, value)


@pytest.mark.parametrize(
    "text", ["", "obzkey", "obzkey_", "obzkey_a", "obzkey_a_", "obzkey__b", "key_a_b", "obzkey_*_b"]
)
def test_malformed_key_has_no_parts(text: str) -> None:
    assert split_key(text) is None
