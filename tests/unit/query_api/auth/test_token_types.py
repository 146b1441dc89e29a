"""Which types of tokens count as access tokens."""

from typing import Any

import pytest

from query_api.auth.tokens import is_access_token


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
