"""Which keys of the issuer's key set are used."""

from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from query_api.auth.issuer import Unusable, signing_keys
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
