"""An OIDC issuer controlled by the test: every token, key and outage can be made."""

import asyncio
import base64
import functools
import hashlib
import json
import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from support.serving import address, listening, served

AUDIENCE = "obzvon"
CLIENT_ID = "obzvon-web"


@functools.cache
def private_key(name: str, algorithm: str = "RS256") -> Any:
    """Returns the key pair of that name, made once for the whole run since RSA keys take a while."""
    if algorithm == "ES256":
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def public_jwk(name: str, algorithm: str = "RS256", *, kid: str | None = None) -> dict[str, Any]:
    public = private_key(name, algorithm).public_key()
    maker: Any = ECAlgorithm if algorithm == "ES256" else RSAAlgorithm
    jwk = {k: v for k, v in maker.to_jwk(public, as_dict=True).items() if k != "key_ops"}
    return {**jwk, "kid": kid or name, "use": "sig", "alg": algorithm}


@dataclass
class Issuer:
    """Serves discovery, keys, authorization and tokens, and counts the requests for them."""

    url: str
    jwks: list[dict[str, Any]] = field(
        default_factory=lambda: [public_jwk("first"), public_jwk("curve", "ES256")]
    )
    is_down: bool = False
    """Answers 503 to everything."""
    slowness_s: float = 0
    """Seconds the token endpoint takes."""
    stalls: bool = False
    """Accepts connections and never answers."""
    jwks_fetches: int = 0
    refreshes: int = 0
    claims: dict[str, Any] = field(default_factory=dict)
    """Put into the tokens of every login and refresh, in place of the usual claims."""
    id_claims: dict[str, Any] = field(default_factory=dict)
    access_ttl_s: float = 300
    gives_refresh_tokens: bool = True
    discovery: dict[str, Any] = field(default_factory=dict)
    """Replaces parts of the discovery document."""
    refresh_tokens: set[str] = field(default_factory=set)
    client_secrets: set[str] = field(default_factory=set)
    """The secrets that were sent to the token endpoint."""
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    def token(
        self,
        role: str | None = "head",
        /,
        *,
        key: str = "first",
        algorithm: str = "RS256",
        headers: dict[str, Any] | None = None,
        **claims: Any,
    ) -> str:
        """Returns an RFC 9068 access token. A claim or header given as None is left out."""
        now = seconds_now()
        body = {
            "iss": self.url,
            "aud": AUDIENCE,
            "sub": "u-1",
            "preferred_username": "anna",
            "iat": now,
            "exp": now + 300,
            "realm_access": {"roles": [role] if role else []},
            **claims,
        }
        return self.signed(
            {k: v for k, v in body.items() if v is not None},
            key=key,
            algorithm=algorithm,
            headers=headers,
        )

    def signed(
        self,
        claims: dict[str, Any],
        *,
        key: str = "first",
        algorithm: str = "RS256",
        headers: dict[str, Any] | None = None,
    ) -> str:
        """Returns a token of exactly these claims, however wrong they are."""
        head = {"kid": key, "typ": "at+jwt", **(headers or {})}
        return jwt.api_jws.encode(
            json.dumps(claims).encode(),
            private_key(key, algorithm),
            algorithm=algorithm,
            headers={k: v for k, v in head.items() if v is not None or k == "typ"},
        )

    def id_token(self, **claims: Any) -> str:
        """Returns an ID token of OpenID Connect Core §2."""
        return self.token(
            None,
            headers={"typ": "JWT"},
            **{"aud": CLIENT_ID, "azp": CLIENT_ID, "auth_time": int(time.time()), **claims},
        )

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._discover),
                Route("/jwks", self._jwks),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
            ]
        )

    async def _outage(self) -> Response | None:
        if self.stalls:
            await asyncio.sleep(3600)
        return JSONResponse({"error": "down"}, status_code=503) if self.is_down else None

    async def _discover(self, _: Request) -> Response:
        return await self._outage() or JSONResponse(
            {
                "issuer": self.url,
                "jwks_uri": f"{self.url}/jwks",
                "authorization_endpoint": f"{self.url}/authorize",
                "token_endpoint": f"{self.url}/token",
                "end_session_endpoint": f"{self.url}/bye",
                "authorization_response_iss_parameter_supported": True,
                **self.discovery,
            }
        )

    async def _jwks(self, _: Request) -> Response:
        self.jwks_fetches += 1
        return await self._outage() or JSONResponse({"keys": self.jwks})

    async def _authorize(self, request: Request) -> Response:
        query = dict(request.query_params)
        assert query["response_type"] == "code"
        assert query["code_challenge_method"] == "S256"
        code = secrets.token_hex(8)
        self._codes[code] = query
        return RedirectResponse(
            f"{query['redirect_uri']}?code={code}&state={query['state']}&iss={self.url}"
        )

    async def _token(self, request: Request) -> Response:
        if outage := await self._outage():
            return outage
        await asyncio.sleep(self.slowness_s)
        scheme, _, credentials = request.headers.get("authorization", "").partition(" ")
        if scheme == "Basic":
            self.client_secrets.add(base64.b64decode(credentials).decode().partition(":")[2])
        form = dict(parse_qsl((await request.body()).decode()))
        if form["grant_type"] == "refresh_token":
            self.refreshes += 1
            if form["refresh_token"] not in self.refresh_tokens:
                return JSONResponse({"error": "invalid_grant"}, status_code=400)
            self.refresh_tokens.discard(
                form["refresh_token"]
            )  # valid only once, as with real issuers
            return JSONResponse(self._tokens(None))
        asked = self._codes.pop(form["code"], None)
        if asked is None or _challenge(form["code_verifier"]) != asked["code_challenge"]:
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        return JSONResponse(self._tokens(asked["nonce"]))

    def _tokens(self, nonce: str | None) -> dict[str, Any]:
        claims = {"exp": int(time.time() + self.access_ttl_s), **self.claims}
        tokens: dict[str, Any] = {
            "token_type": "Bearer",
            "expires_in": int(self.access_ttl_s),
            "access_token": self.token(**claims),
        }
        if nonce is not None:
            tokens["id_token"] = self.id_token(**{"nonce": nonce, **self.id_claims})
        if self.gives_refresh_tokens:
            tokens["refresh_token"] = secrets.token_hex(16)
            self.refresh_tokens.add(tokens["refresh_token"])
        return tokens


@asynccontextmanager
async def running_issuer() -> AsyncIterator[Issuer]:
    sock = listening()
    issuer = Issuer(address(sock))
    async with served(issuer.app(), sock=sock):
        yield issuer


def seconds_now() -> int:
    """Returns the present in seconds, as claims have it."""
    return int(time.time())


def claims_of(token: str) -> dict[str, Any]:
    """Returns the claims of a token without checking its signature."""
    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    return claims


def unsigned(header: object, claims: object, signature: str = "") -> str:
    """Returns a token of any parts, which need not be objects; text is used as it is."""
    return f"{_part(header)}.{_part(claims)}.{signature}"


def _part(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def _challenge(verifier: str) -> str:
    return (
        base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    )
