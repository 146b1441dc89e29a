"""Refresh tokens, encrypted so that only the browser's cookie opens them."""

import base64
import secrets
from typing import Final

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_NONCE_BYTES: Final = 12

log: Final = structlog.stdlib.get_logger("obzvon.access")


def seal(refresh_token: str, cookie: str) -> str:
    """Returns base64 of the nonce and the token, encrypted with a key derived from the cookie."""
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return base64.b64encode(
        nonce + _cipher(cookie).encrypt(nonce, refresh_token.encode(), None)
    ).decode()


def unseal(sealed: str, cookie: str) -> str | None:
    """Returns the refresh token; None if it was sealed with another cookie, or damaged."""
    try:
        data = base64.b64decode(sealed, validate=True)
        return _cipher(cookie).decrypt(data[:_NONCE_BYTES], data[_NONCE_BYTES:], None).decode()
    except (ValueError, InvalidTag):
        log.warning("a refresh token can't be unsealed")
        return None


def _cipher(cookie: str) -> AESGCM:
    """The cookie has 256 random bits, so its key needs no stretching."""
    return AESGCM(
        HKDF(algorithm=SHA256(), length=32, salt=None, info=b"obzvon refresh token").derive(
            cookie.encode()
        )
    )
