"""The development OIDC issuer: keys, tokens and a login page for trying things out.

FOR DEVELOPMENT ONLY: whoever can reach it becomes whoever they say they are. It is bound to
127.0.0.1 and answers only redirects to this machine. Its keys lie in the data dir, readable by
their owner alone, and are made when it first starts.

``python -m devkit.stack.issuer --data-dir DIR --port P`` serves it; `obzvon up` does so.
"""

import argparse
import base64
import hashlib
import html
import json
import os
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from devkit.stack.processes import HOST

AUDIENCE = "obzvon"
"""The audience of the access tokens."""

CLIENT_ID = "obzvon-web"
"""The browser client's id, unless it names another one: any public client is accepted."""

ROLES_CLAIM = "realm_access.roles"
"""Where the roles stand, as in Keycloak's tokens; they stand under ``roles`` as well."""

TOKEN_TTL_S = 3_600
"""Seconds an access token is good for."""

CODE_TTL_S = 60
"""Seconds an authorization code is good for, once."""

LOGIN_ROLES = ("head", "quality_control", "other")
"""The roles one can log in with on the page; the last one may read nothing."""

_PERSONS = {
    "head": "Руководитель (разработка)",
    "quality_control": "Контроль качества (разработка)",
}

_PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey


@dataclass(frozen=True)
class SigningKey:
    """A private key, the algorithm it signs with and the id it is published under."""

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
        """The JWK thumbprint (RFC 7638), so that a new key has a new id."""
        required = {
            k: v for k, v in self.public_jwk.items() if k in ["crv", "e", "kty", "n", "x", "y"]
        }
        text = json.dumps(required, sort_keys=True, separators=(",", ":"))
        return _base64url(hashlib.sha256(text.encode()).digest())


@dataclass(frozen=True)
class Person:
    """Who a token is about and what they may see."""

    role: str
    subject: str | None = None
    operators: Sequence[str] | None = None
    """Operator ids the person is restricted to: None is no restriction, an empty one shows nothing."""
    managers: Sequence[str] | None = None

    def claims(self) -> dict[str, Any]:
        subject = self.subject or f"dev-{self.role}"
        claims: dict[str, Any] = {
            "sub": subject,
            "preferred_username": subject,
            "name": _PERSONS.get(self.role, f"{self.role} (разработка)"),
            "roles": [self.role],
            "realm_access": {"roles": [self.role]},
        }
        if self.operators is not None:
            claims["obzvon_operators"] = list(self.operators)
        if self.managers is not None:
            claims["obzvon_managers"] = list(self.managers)
        return claims


class Issuer:
    """Signs tokens with keys that are kept in a folder."""

    def __init__(self, url: str, keys: Mapping[str, SigningKey]) -> None:
        self.url = url
        self.keys = dict(keys)

    @classmethod
    def open(cls, folder: Path, url: str) -> Self:
        """The issuer whose keys are in the folder; they are made if they are not there yet."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        rs = _load_or_make(
            folder / "rs256.pem",
            lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
        )
        es = _load_or_make(folder / "es256.pem", lambda: ec.generate_private_key(ec.SECP256R1()))
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
        """An access token as RFC 9068 has it; `overrides` replaces claims, for tests."""
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
        """An ID token: for the client that logged in, never a bearer token."""
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


def _load_or_make(path: Path, make: Any) -> Any:
    try:
        return load_pem_private_key(path.read_bytes(), password=None)
    except FileNotFoundError:
        key = make()
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        # Written beside and moved there, so that no one ever reads half a key.
        beside = path.with_suffix(f".{os.getpid()}.tmp")
        with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(pem)
        beside.rename(path)
        return key


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


@dataclass
class _Grant:
    """What an authorization code stands for."""

    client_id: str
    redirect_uri: str
    challenge: str
    nonce: str | None
    person: Person
    expires: float


@dataclass
class _Login:
    """The authorization code flow with PKCE (RFC 6749 §4.1, RFC 7636)."""

    issuer: Issuer
    _grants: dict[str, _Grant] = field(default_factory=dict)

    def wrong(self, query: Mapping[str, str]) -> str | None:
        """What is wrong with an authorization request; None if nothing is."""
        target = urlsplit(query.get("redirect_uri", ""))
        if target.scheme not in ("http", "https") or target.hostname not in (HOST, "localhost"):
            return (
                "redirect_uri must lead to 127.0.0.1 or localhost: this issuer is for development"
            )
        if query.get("response_type") != "code":
            return "response_type must be code"
        if not query.get("client_id"):
            return "client_id is missing"
        if "openid" not in query.get("scope", "").split():
            return "scope must contain openid"
        if query.get("code_challenge_method") != "S256" or not query.get("code_challenge"):
            return "PKCE is required: code_challenge with code_challenge_method=S256"
        return None

    async def page(self, request: Request) -> Response:
        query = dict(request.query_params)
        if problem := self.wrong(query):
            return _oauth_error("invalid_request", problem)
        fields = "".join(
            f'<input type="hidden" name="{html.escape(k)}" value="{html.escape(v)}">'
            for k, v in query.items()
        )
        buttons = "".join(
            f'<button name="role" value="{role}">войти как {role}</button>' for role in LOGIN_ROLES
        )
        return HTMLResponse(
            '<!doctype html><html lang="ru"><meta charset="utf-8"><title>Вход (разработка)</title>'
            "<style>body{font:16px system-ui;max-width:24rem;margin:4rem auto}"
            "button{display:block;width:100%;margin:.5rem 0;padding:.75rem;font:inherit}</style>"
            "<h1>Вход для разработки</h1><p>Пароля нет: этот сервер только для разработки.</p>"
            f'<form method="post" action="/authorize">{fields}{buttons}</form></html>',
            headers={"Cache-Control": "no-store"},
        )

    async def grant(self, request: Request) -> Response:
        form = await _form(request)
        if problem := self.wrong(form):
            return _oauth_error("invalid_request", problem)
        role = form.get("role", "")
        if not role:
            return _oauth_error("invalid_request", "role is missing")
        now = time.monotonic()
        self._grants = {code: g for code, g in self._grants.items() if g.expires > now}
        code = secrets.token_urlsafe(32)
        self._grants[code] = _Grant(
            client_id=form["client_id"],
            redirect_uri=form["redirect_uri"],
            challenge=form["code_challenge"],
            nonce=form.get("nonce"),
            person=Person(role),
            expires=now + CODE_TTL_S,
        )
        answer = {"code": code, "iss": self.issuer.url}
        if "state" in form:
            answer["state"] = form["state"]
        joint = "&" if urlsplit(form["redirect_uri"]).query else "?"
        return RedirectResponse(form["redirect_uri"] + joint + urlencode(answer), status_code=303)

    async def token(self, request: Request) -> Response:
        form = await _form(request)
        if form.get("grant_type") != "authorization_code":
            return _oauth_error("unsupported_grant_type", "grant_type must be authorization_code")
        grant = self._grants.pop(form.get("code", ""), None)  # good for one try
        if grant is None or grant.expires < time.monotonic():
            return _oauth_error("invalid_grant", "the code is unknown, used or expired")
        if form.get("redirect_uri") != grant.redirect_uri:
            return _oauth_error("invalid_grant", "redirect_uri is another than was asked with")
        if (_basic_user(request) or form.get("client_id")) != grant.client_id:
            return _oauth_error("invalid_grant", "client_id is another than was asked with")
        verifier = form.get("code_verifier", "")
        if _base64url(hashlib.sha256(verifier.encode()).digest()) != grant.challenge:
            return _oauth_error("invalid_grant", "code_verifier does not match code_challenge")
        return JSONResponse(
            {
                "access_token": self.issuer.access_token(grant.person, client_id=grant.client_id),
                "id_token": self.issuer.id_token(
                    grant.person, client_id=grant.client_id, nonce=grant.nonce
                ),
                "token_type": "Bearer",
                "expires_in": TOKEN_TTL_S,
                "scope": "openid profile",
            },
            headers={"Cache-Control": "no-store"},
        )


async def _form(request: Request) -> dict[str, str]:
    fields = parse_qs((await request.body()).decode(), keep_blank_values=True)
    return {name: values[-1] for name, values in fields.items()}


def _basic_user(request: Request) -> str | None:
    scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    return base64.b64decode(credentials).decode().partition(":")[0]


def _oauth_error(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status_code=400)


def create_app(issuer: Issuer) -> Starlette:
    """The issuer's web application."""
    login = _Login(issuer)

    async def configuration(_: Request) -> Response:
        return JSONResponse(issuer.configuration())

    async def jwks(_: Request) -> Response:
        return JSONResponse(issuer.jwks(), headers={"Cache-Control": "max-age=300"})

    return Starlette(
        routes=[
            Route("/.well-known/openid-configuration", configuration),
            Route("/jwks", jwks),
            Route("/authorize", login.page, methods=["GET"]),
            Route("/authorize", login.grant, methods=["POST"]),
            Route("/token", login.token, methods=["POST"]),
        ]
    )


def issuer_url(port: int) -> str:
    return f"http://{HOST}:{port}"


def main() -> None:
    import uvicorn

    parser = argparse.ArgumentParser(description="The development OIDC issuer")
    parser.add_argument("--data-dir", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    options = parser.parse_args()
    app = create_app(Issuer.open(options.data_dir, issuer_url(options.port)))
    uvicorn.run(app, host=HOST, port=options.port, log_level="warning")


if __name__ == "__main__":
    main()
