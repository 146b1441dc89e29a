"""What a request brings to prove who is asking: a header, otherwise one of our cookies."""

import pytest

from query_api.auth.credentials import Credential, credential_in
from query_api.auth.refusals import Refusal

SESSION = (b"cookie", b"other=1; obzvon_session=s-1")
WALLBOARD = (b"cookie", b"obzvon_wallboard=w-1")
BEARER = (b"authorization", b"Bearer t-1")


def found(*headers: tuple[bytes, bytes]) -> Credential | None:
    return credential_in(
        headers, session_cookie="obzvon_session", wallboard_cookie="obzvon_wallboard"
    )


@pytest.mark.parametrize(
    ("headers", "kind", "text"),
    [
        ([BEARER], "token", b"t-1"),
        ([(b"authorization", b"bEaReR   t-1 ")], "token", b"t-1"),
        ([(b"authorization", b"Key obzkey_a_b")], "key", b"obzkey_a_b"),
        ([SESSION], "session", b"s-1"),
        ([WALLBOARD], "wallboard", b"w-1"),
        ([WALLBOARD, SESSION], "session", b"s-1"),
        ([SESSION, BEARER], "token", b"t-1"),
    ],
)
def test_a_header_decides_before_a_session_and_a_session_before_a_wallboard(
    headers: list[tuple[bytes, bytes]], kind: str, text: bytes
) -> None:
    credential = found(*headers)
    assert credential is not None
    assert (credential.kind, credential.text) == (kind, text)


@pytest.mark.parametrize("value", [b"", b"Bearer", b"Bearer ", b"Basic YTpi", b"t-1"])
def test_no_cookie_rescues_a_bad_header(value: bytes) -> None:
    with pytest.raises(Refusal) as refusal:
        found(SESSION, (b"authorization", value))
    assert refusal.value.status_code == 401


def test_two_authorization_headers_are_refused() -> None:
    with pytest.raises(Refusal) as refusal:
        found(BEARER, BEARER)
    assert refusal.value.why == "two headers"


@pytest.mark.parametrize(
    "header", [(b"cookie", b"other=1"), (b"cookie", b"obzvon_session="), (b"accept", b"*/*")]
)
def test_a_request_without_our_cookies_brings_nothing(header: tuple[bytes, bytes]) -> None:
    assert found(header) is None


def test_an_overlong_cookie_is_not_looked_up() -> None:
    assert found((b"cookie", b"obzvon_session=" + b"x" * 129)) is None


def test_the_same_text_of_another_kind_has_another_digest() -> None:
    assert Credential("token", b"x").digest != Credential("session", b"x").digest
