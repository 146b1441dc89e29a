"""The development OIDC issuer: it signs tokens as a provider does.

FOR DEVELOPMENT ONLY: anyone who can reach it becomes whoever they say they are. It is bound to
127.0.0.1 and redirects only to this machine. Its keys are in the data dir, readable by their
owner alone.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from devkit.stack.issuer.keys import SigningKey, load_or_make
from devkit.stack.ports import HOST

AUDIENCE = "obzvon"
"""The audience of the access tokens."""

CLIENT_ID = "obzvon-web"
"""The browser client's id by default; any other public client is accepted too."""

ROLES_CLAIM = "realm_access.roles"
"""The claim with the roles, as in Keycloak's tokens; ``roles`` has them as well."""

TOKEN_TTL_S = 3_600
"""Seconds for which an access token is valid."""

_NAMES = {
    "head": "Руководитель (разработка)",
    "quality_control": "Контроль качества (разработка)",
}


@dataclass(frozen=True)
class Person:
    """Who a token is about and what they may see."""

    role: str | None
    subject: str | None = None
    operators: Sequence[str] | None = None
    """Ids of the operators that the person may see: None means all, an empty list none."""
    managers: Sequence[str] | None = None
    login: str | None = None
    """What the person types to log in; None means the subject."""
    name: str | None = None
    """Family and given name; None means one made from the role."""

    def claims(self) -> dict[str, Any]:
        role = self.role or "no role"
        subject = self.subject or f"dev-{role}"
        roles = [self.role] if self.role is not None else []
        claims: dict[str, Any] = {
            "sub": subject,
            "preferred_username": self.login or subject,
            "name": self.name or _NAMES.get(role, f"{role} (разработка)"),
            "roles": roles,
            "realm_access": {"roles": roles},
        }
        if self.operators is not None:
            claims["obzvon_operators"] = list(self.operators)
        if self.managers is not None:
            claims["obzvon_managers"] = list(self.managers)
        return claims


class Issuer:
    """Signs tokens with keys that are stored in a folder."""

    def __init__(self, url: str, keys: Mapping[str, SigningKey]) -> None:
        self.url = url
        self.keys = dict(keys)

    @classmethod
    def open(cls, folder: Path, url: str) -> Self:
        """Returns the issuer whose keys are in the folder; makes them if they are missing."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        rs = load_or_make(
            folder / "rs256.pem",
            lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        )
        es = load_or_make(folder / "es256.pem", lambda: ec.generate_private_key(ec.SECP256R1()))
        return cls(url, {"RS256": SigningKey("RS256", rs), "ES256": SigningKey("ES256", es)})

    @property
    def jwks_url(self) -> str:
        return f"{self.url}/jwks"

    def jwks(self) -> dict[str, Any]:
        return {
            "keys": [
                {**key.public_jwk, "kid": key.kid, "use": "sig", "alg": key.algorithm}
                for key in self.keys.values()
            ]
        }

    def configuration(self) -> dict[str, Any]:
        """The discovery document (OpenID Connect Discovery 1.0)."""
        return {
            "issuer": self.url,
            "authorization_endpoint": f"{self.url}/authorize",
            "token_endpoint": f"{self.url}/token",
            "jwks_uri": self.jwks_url,
            "response_types_supported": ["code"],
            "response_modes_supported": ["query"],
            "grant_types_supported": ["authorization_code"],
            "subject_types_supported": ["public"],
            "scopes_supported": ["openid", "profile"],
            "id_token_signing_alg_values_supported": list(self.keys),
            "code_challenge_methods_supported": ["S256"],
            "token_endpoint_auth_methods_supported": [
                "none",
                "client_secret_basic",
                "client_secret_post",
            ],
            "authorization_response_iss_parameter_supported": True,
        }

    def access_token(
        self,
        person: Person,
        *,
        ttl_s: float = TOKEN_TTL_S,
        audience: str = AUDIENCE,
        client_id: str = "obzvon-cli",
        algorithm: str = "RS256",
        now: float | None = None,
        overrides: Mapping[str, Any] | None = None,
    ) -> str:
        """Returns an access token by RFC 9068; `overrides` replaces claims, for tests."""
        issued = int(time.time() if now is None else now)
        claims = {
            "iss": self.url,
            "aud": audience,
            "iat": issued,
            "nbf": issued,
            "exp": int(issued + ttl_s),
            "jti": secrets.token_hex(16),
            "client_id": client_id,
            **person.claims(),
            **(overrides or {}),
        }
        return self._sign(claims, "at+jwt", algorithm)

    def id_token(self, person: Person, *, client_id: str, nonce: str | None = None) -> str:
        """Returns an ID token: for the client that logged in, not a bearer token."""
        issued = int(time.time())
        claims = {
            "iss": self.url,
            "aud": client_id,
            "iat": issued,
            "exp": issued + TOKEN_TTL_S,
            "auth_time": issued,
            **person.claims(),
        }
        if nonce is not None:
            claims["nonce"] = nonce
        return self._sign(claims, "JWT", "RS256")

    def _sign(self, claims: Mapping[str, Any], typ: str, algorithm: str) -> str:
        key = self.keys[algorithm]
        return jwt.encode(
            dict(claims), key.key, algorithm=algorithm, headers={"typ": typ, "kid": key.kid}
        )


def issuer_url(port: int) -> str:
    return f"http://{HOST}:{port}"
