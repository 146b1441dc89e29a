"""The development issuer's keys: stored in a folder, made if they are missing."""

import base64
import hashlib
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class SigningKey:
    """A private key, the algorithm that it signs with and the id that it is published under."""

    algorithm: str
    key: _PrivateKey

    @property
    def public_jwk(self) -> dict[str, Any]:
        public = self.key.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            jwk = RSAAlgorithm.to_jwk(public, as_dict=True)
        else:
            jwk = ECAlgorithm.to_jwk(public, as_dict=True)
        return {k: v for k, v in jwk.items() if k != "key_ops"}

    @property
    def kid(self) -> str:
        """The JWK thumbprint (RFC 7638): a new key has a new id."""
        required = {
            k: v for k, v in self.public_jwk.items() if k in ["crv", "e", "kty", "n", "x", "y"]
        }
        text = json.dumps(required, sort_keys=True, separators=(",", ":"))
        return base64url(hashlib.sha256(text.encode()).digest())


def load_or_make(path: Path, make: Any) -> Any:
    try:
        return load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        key = make()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # Written to another file and renamed, so that nobody ever reads half a key.
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with os.fdopen(
            os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb"
        ) as file:
            file.write(pem)
        temporary.rename(path)
        return key


def base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
