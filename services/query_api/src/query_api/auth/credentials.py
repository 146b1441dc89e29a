"""What a request brings to prove who is asking: a header, otherwise a cookie."""

import hashlib
from collections.abc import Iterable
from typing import Final

from query_api.auth.refusals import unauthorized
from query_api.auth.tokens import MAX_TOKEN_BYTES

_MAX_COOKIE: Final = 128

_SCHEMES: Final = {b"bearer": "token", b"key": "key"}


class Credential:
    """The kind of a credential (token, key, session, wallboard), its text and its digest."""

    __slots__ = ("digest", "kind", "text")

    def __init__(self, kind: str, raw: bytes) -> None:
        self.kind = kind
        self.text = raw
        self.digest = hashlib.sha256(kind.encode() + b" " + raw).digest()


def credential_in(
    headers: Iterable[tuple[bytes, bytes]], *, session_cookie: str, wallboard_cookie: str
) -> Credential | None:
    """Returns the credential of the Authorization header, otherwise of one of our cookies.

    If there is a header, it decides, even a bad one: a cookie never rescues it. None if the
    request has neither; 401 if the header can't be used.
    """
    header: bytes | None = None
    cookies: list[bytes] = []
    for name, value in headers:
        if name == b"authorization":
            if header is not None:
                raise unauthorized("More than one Authorization header", why="two headers")
            header = value
        elif name == b"cookie":
            cookies.append(value)
    if header is not None:
        return _header_credential(header)
    if cookies:
        return _cookie_credential(
            cookies, {"session": session_cookie, "wallboard": wallboard_cookie}
        )
    return None


def _header_credential(header: bytes) -> Credential:
    scheme, _, text = header.partition(b" ")
    kind = _SCHEMES.get(scheme.lower())
    text = text.strip()
    if kind is None or not text:
        raise unauthorized("Bring a bearer token: Authorization: Bearer TOKEN", why="no credential")
    if len(text) > MAX_TOKEN_BYTES:
        raise unauthorized("The token is too large", why="token too large")
    return Credential(kind, text)


def _cookie_credential(cookies: list[bytes], ours: dict[str, str]) -> Credential | None:
    """`ours`: kind → name of the cookie, the first one found wins."""
    found: dict[bytes, bytes] = {}
    for part in b";".join(cookies).split(b";"):
        name, _, value = part.strip().partition(b"=")
        found.setdefault(name, value)
    for kind, cookie in ours.items():
        value = found.get(cookie.encode(), b"")
        if 0 < len(value) <= _MAX_COOKIE:
            return Credential(kind, value)
    return None
