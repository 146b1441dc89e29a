"""Refresh tokens in the store: only the cookie they were sealed with opens them."""

import base64

from hypothesis import given
from hypothesis import strategies as st

from query_api.auth.sealing import seal, unseal

tokens = st.text(st.characters(exclude_categories=["Cs"]), max_size=100)
cookies = st.text(st.characters(codec="ascii"), min_size=1, max_size=43)


@given(tokens, cookies)
def test_the_cookie_opens_what_it_sealed(token: str, cookie: str) -> None:
    assert unseal(seal(token, cookie), cookie) == token


@given(tokens, cookies, cookies)
def test_another_cookie_opens_nothing(token: str, cookie: str, other: str) -> None:
    if cookie != other:
        assert unseal(seal(token, cookie), other) is None


def test_the_same_token_is_sealed_differently_each_time() -> None:
    assert seal("token", "cookie") != seal("token", "cookie")


@given(st.integers(0, 32), st.integers(1, 255))
def test_a_damaged_token_is_not_opened(at: int, flipped: int) -> None:
    sealed = bytearray(base64.b64decode(seal("token", "cookie")))
    sealed[at] ^= flipped
    assert unseal(base64.b64encode(sealed).decode(), "cookie") is None


def test_token_that_is_not_base64_is_not_opened() -> None:
    assert unseal("*", "cookie") is None
