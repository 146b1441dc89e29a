"""The development issuer's web application: its configuration, keys, login page and tokens."""

import base64
import hashlib
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from devkit.stack.issuer.keys import base64url
from devkit.stack.issuer.page import CONTENT_SECURITY_POLICY, login_page
from devkit.stack.issuer.people import ACCOUNTS
from devkit.stack.issuer.tokens import TOKEN_TTL_S, Issuer, Person
from devkit.stack.ports import HOST

CODE_TTL_S = 60
"""Seconds for which an authorization code is valid, once."""


@dataclass
class _Grant:
    """What an authorization code was issued for."""

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
        """Returns what is wrong with an authorization request; None if nothing is."""
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
        return HTMLResponse(
            login_page(query),
            headers={
                "Cache-Control": "no-store",
                "Content-Security-Policy": CONTENT_SECURITY_POLICY,
            },
        )

    async def grant(self, request: Request) -> Response:
        form = await _form(request)
        if problem := self.wrong(form):
            return _oauth_error("invalid_request", problem)
        account = ACCOUNTS.get(form.get("person", ""))
        if account is None:
            return _oauth_error("invalid_request", f"person must be one of {', '.join(ACCOUNTS)}")
        now = time.monotonic()
        self._grants = {code: g for code, g in self._grants.items() if g.expires > now}
        code = secrets.token_urlsafe(32)
        self._grants[code] = _Grant(
            client_id=form["client_id"],
            redirect_uri=form["redirect_uri"],
            challenge=form["code_challenge"],
            nonce=form.get("nonce"),
            person=account.person,
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
        grant = self._grants.pop(form.get("code", ""), None)  # valid for one try
        if grant is None or grant.expires < time.monotonic():
            return _oauth_error("invalid_grant", "the code is unknown, used or expired")
        if form.get("redirect_uri") != grant.redirect_uri:
            return _oauth_error(
                "invalid_grant", "redirect_uri is not the one of the authorization request"
            )
        if (_basic_user(request) or form.get("client_id")) != grant.client_id:
            return _oauth_error(
                "invalid_grant", "client_id is not the one of the authorization request"
            )
        verifier = form.get("code_verifier", "")
        if base64url(hashlib.sha256(verifier.encode()).digest()) != grant.challenge:
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
