"""The browser's login: authorization code with PKCE, and a session that is kept here.

The browser holds one opaque cookie. Roles and restriction stand in the session; when the access
token they came from ends, they are asked for anew with the refresh token, which is stored
encrypted with a key made from the cookie: whoever reads the store can't use it.

Sources: RFC 6749 §4.1, RFC 7636 (PKCE), RFC 9207 (iss in the answer), OpenID Connect Core §3.1,
OpenID Connect RP-Initiated Logout 1.0, draft-ietf-oauth-browser-based-apps (the backend keeps the
tokens).
"""

import asyncio
import base64
import hmac
import html
import secrets
import warnings
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode, urlsplit

import httpx
import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from query_api.auth import audit
from query_api.auth.access import Access
from query_api.auth.caller import Caller
from query_api.auth.cookies import drop_cookie, set_cookie
from query_api.auth.issuer import FETCH_TIMEOUT_S
from query_api.auth.origin import require_same_origin
from query_api.auth.refusals import Refused, forbidden, unauthorized, unavailable
from query_api.auth.store import (
    PENDING_LOGIN_S,
    RENEWAL_LOCK_S,
    PendingLogin,
    RestrictionRecord,
    SessionRecord,
    secret,
    sha256,
)

with warnings.catch_warnings():
    # Authlib announces a later move to another HTTP library each time it is imported, and its
    # own filter, which shows that always, is set by the import of this module.
    from authlib.deprecate import AuthlibDeprecationWarning  # type: ignore[import-untyped]

    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
    from authlib.integrations.httpx_client import (  # type: ignore[import-untyped]
        AsyncOAuth2Client,
    )

RENEWAL_POLL_S: Final = 0.1
"""How often one looks whether another process has renewed the session."""

_MAX_NEXT: Final = 2_000
_TOKEN_FAILURES: Final = (httpx.HTTPError, TimeoutError, ValueError)

log: Final = structlog.stdlib.get_logger("obzvon.access")


def login_router(access: Access) -> APIRouter:
    """/login, /login/callback and /logout; also teaches `access` to renew sessions."""
    flow = _Flow(access)
    access.renewal = flow.renew
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/login", flow.begin, methods=["GET"], response_model=None)
    router.add_api_route("/login/callback", flow.finish, methods=["GET"], response_model=None)
    router.add_api_route("/logout", flow.logout, methods=["POST"], response_model=None)
    return router


def safe_next(wanted: str | None) -> str:
    """Where to go after the login: a path of this API, whatever was asked for.

    Browsers read a backslash as a slash and drop control characters, so that a slash and either of
    them lead elsewhere just as `//evil` does.
    """
    if (
        not wanted
        or len(wanted) > _MAX_NEXT
        or not wanted.startswith("/")
        or wanted.startswith("//")
        or "\\" in wanted
        or not wanted.isprintable()
        or " " in wanted
    ):
        return "/"
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return "/"
    return wanted if not parts.scheme and not parts.netloc else "/"


class _Flow:
    def __init__(self, access: Access) -> None:
        self._access = access
        settings = access.settings
        assert settings.oidc_client_id is not None
        assert settings.public_url is not None  # the settings see to both
        self._client_id = settings.oidc_client_id
        self._public_url = settings.public_url
        self._redirect_uri = f"{settings.public_url}/login/callback"
        self._pending_cookie = f"{'__Host-' if settings.is_https else ''}obzvon_login"

    def _client(self) -> Any:
        """A client of its own for each use: it holds the tokens it fetched."""
        settings = self._access.settings
        return AsyncOAuth2Client(
            client_id=self._client_id,
            client_secret=(
                settings.oidc_client_secret.get_secret_value()
                if settings.oidc_client_secret
                else None
            ),
            scope=settings.oidc_scope,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
            verify=self._access.tls,
            timeout=FETCH_TIMEOUT_S,
            trust_env=settings.trusts_proxy_variables,
        )

    async def begin(self, next: str | None = None) -> Response:  # noqa: A002 - the parameter's name in the address
        """Send the browser to the issuer."""
        authorization = await self._access.issuer.endpoint("authorization_endpoint")
        await self._access.issuer.endpoint("token_endpoint")  # better said now than on return
        state, browser, nonce, verifier = secret(), secret(), secret(), secret()
        await self._access.store.put_login(
            state,
            PendingLogin(
                browser=sha256(browser), nonce=nonce, verifier=verifier, next=safe_next(next)
            ),
        )
        async with self._client() as client:
            url, _ = client.create_authorization_url(
                authorization,
                state=state,
                nonce=nonce,
                code_verifier=verifier,
            )
        response = RedirectResponse(url, status_code=303, headers={"Cache-Control": "no-store"})
        set_cookie(
            response,
            self._access,
            self._pending_cookie,
            browser,
            seconds=PENDING_LOGIN_S,
            same_site="lax",
        )
        return response

    async def finish(self, request: Request) -> Response:
        """Take the issuer's answer and open a session, or say why not."""
        try:
            pending = await self._pending(request)
            caller, tokens = await self._exchange(request, pending)
            if not caller.may_read_report:
                raise forbidden("This account's role may not read the report.", why="wrong role")
        except Refused as refusal:
            audit.log_refusal(request.scope, refusal)
            response: Response = _failure_page(refusal)
            drop_cookie(response, self._access, self._pending_cookie)
            return response
        cookie = secret()
        old = request.cookies.get(self._access.session_cookie)
        if old:
            await self._access.end_session(old)
        session = self._session(caller, tokens, cookie, ends_at=self._ends_at())
        await self._access.open_session(session, cookie)
        audit.log_event("logged in", who=f"session:{caller.subject}", name=caller.name)
        response = RedirectResponse(
            pending.next, status_code=303, headers={"Cache-Control": "no-store"}
        )
        drop_cookie(response, self._access, self._pending_cookie)
        set_cookie(
            response,
            self._access,
            self._access.session_cookie,
            cookie,
            seconds=session.ends_at - self._access.now(),
            same_site="lax",
        )
        return response

    async def logout(self, request: Request) -> Response:
        """End the session here and, where the issuer offers it, there."""
        require_same_origin(request.scope, self._access)
        target = "/"
        for name in (self._access.session_cookie, self._access.wallboard_cookie):
            cookie = request.cookies.get(name)
            ended = await self._access.end_session(cookie) if cookie else None
            if ended is not None:
                who = f"key:{ended.key_id}" if ended.key_id else f"session:{ended.subject}"
                audit.log_event("logged out", who=who, name=ended.name)
        try:
            ends_at = (await self._access.issuer.metadata()).get("end_session_endpoint")
        except Refused:
            ends_at = None  # the issuer is away; ours is ended all the same
        if ends_at and request.cookies.get(self._access.session_cookie):
            query = urlencode(
                {
                    "client_id": self._client_id,
                    "post_logout_redirect_uri": f"{self._public_url}/",
                }
            )
            target = f"{ends_at}{'&' if '?' in ends_at else '?'}{query}"
        response = RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})
        for name in (self._access.session_cookie, self._access.wallboard_cookie):
            drop_cookie(response, self._access, name)
        return response

    async def renew(self, handle: str, cookie: str, session: SessionRecord) -> SessionRecord | None:
        """The session with rights the issuer has just confirmed; None if it confirms none.

        A refresh token is often good only once, so one process asks and the others wait.
        """
        store = self._access.store
        if session.sealed_refresh_token is None:
            return None
        if not await store.may_renew(handle):
            return await self._renewed_elsewhere(handle)
        try:
            current = await store.session(handle)  # it may have been renewed just before
            if current is None or current.rights_end_at > self._access.now():
                return current
            renewed = await self._refreshed(cookie, current)
            if renewed is None:
                await store.end_session(handle)
                return None
            return renewed if await store.replace_session(handle, renewed) else None
        finally:
            await store.renewed(handle)

    async def _renewed_elsewhere(self, handle: str) -> SessionRecord | None:
        for _ in range(int(RENEWAL_LOCK_S / RENEWAL_POLL_S)):
            await asyncio.sleep(RENEWAL_POLL_S)
            session = await self._access.store.session(handle)
            if session is None or session.rights_end_at > self._access.now():
                return session
        raise unavailable("The session is being renewed: try again.", why="renewal slow")

    async def _refreshed(self, cookie: str, session: SessionRecord) -> SessionRecord | None:
        refresh_token = _unsealed(session.sealed_refresh_token, cookie)
        if refresh_token is None:
            return None
        endpoint = await self._access.issuer.endpoint("token_endpoint")
        try:
            async with self._client() as client:
                tokens = await client.refresh_token(endpoint, refresh_token=refresh_token)
        except OAuthError as problem:
            log.info("session not renewed", problem=str(problem.error)[:80])
            return None
        except _TOKEN_FAILURES as problem:
            log.warning("token endpoint failed", problem=type(problem).__name__)
            raise unavailable(
                "The issuer can't be reached: try again.", why="issuer unreachable"
            ) from problem
        caller = await self._access.tokens.caller(str(tokens.get("access_token", "")))
        if caller.subject != session.subject:
            return None
        return self._session(caller, tokens, cookie, ends_at=session.ends_at)

    async def _pending(self, request: Request) -> PendingLogin:
        """The login that this browser began."""
        state = request.query_params.get("state", "")
        browser = request.cookies.get(self._pending_cookie, "")
        pending = await self._access.store.take_login(state) if state and browser else None
        if pending is None or not hmac.compare_digest(pending.browser, sha256(browser)):
            raise unauthorized(
                "This login was not begun in this browser, or too long ago",
                why="no pending login",
                error=None,
            )
        return pending

    async def _exchange(
        self, request: Request, pending: PendingLogin
    ) -> tuple[Caller, Mapping[str, Any]]:
        """(who logged in, the tokens), both proven to be the answer to this login."""
        metadata = await self._access.issuer.metadata()
        issuer = request.query_params.get("iss")
        must_name_it = metadata.get("authorization_response_iss_parameter_supported") is True
        if issuer != self._access.settings.oidc_issuer and (issuer is not None or must_name_it):
            raise unauthorized("The answer is of another issuer", why="wrong issuer", error=None)
        code = request.query_params.get("code")
        if code is None:
            raise unauthorized("The issuer let nobody in", why="login refused", error=None)
        endpoint = await self._access.issuer.endpoint("token_endpoint")
        try:
            async with self._client() as client:
                tokens: Mapping[str, Any] = await client.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=pending.verifier,
                )
        except OAuthError as problem:
            raise unauthorized(
                "The issuer did not take the code", why="login refused", error=None
            ) from problem
        except _TOKEN_FAILURES as problem:
            raise unavailable(
                "The issuer can't be reached: try again.", why="issuer unreachable"
            ) from problem
        subject = await self._identified(str(tokens.get("id_token", "")), pending.nonce)
        caller = await self._access.tokens.caller(str(tokens.get("access_token", "")))
        if caller.subject != subject:
            raise unauthorized("The tokens are of two people", why="token mix", error=None)
        return caller, tokens

    async def _identified(self, id_token: str, nonce: str) -> str:
        """The subject of an ID token that was made for this login."""
        claims, _ = await self._access.tokens.verified(id_token, audience=self._client_id)
        if not hmac.compare_digest(str(claims.get("nonce", "")), nonce):
            raise unauthorized("The answer is to another login", why="wrong nonce", error=None)
        if claims.get("azp", self._client_id) != self._client_id:
            raise unauthorized("The ID token is for another client", why="wrong azp", error=None)
        return str(claims["sub"])

    def _ends_at(self) -> float:
        return self._access.now() + self._access.settings.session_hours * 3600

    def _session(
        self, caller: Caller, tokens: Mapping[str, Any], cookie: str, *, ends_at: float
    ) -> SessionRecord:
        refresh_token = tokens.get("refresh_token")
        restriction = caller.restriction
        return SessionRecord(
            ends_at=ends_at,
            subject=caller.subject,
            name=caller.name,
            roles=sorted(caller.roles),
            restriction=(
                None
                if restriction is None
                else RestrictionRecord(
                    operators=_sorted(restriction.operators), managers=_sorted(restriction.managers)
                )
            ),
            rights_end_at=caller.expires_at,
            sealed_refresh_token=(
                _sealed(refresh_token, cookie) if isinstance(refresh_token, str) else None
            ),
        )


def _sorted(ids: frozenset[str] | None) -> list[str] | None:
    return None if ids is None else sorted(ids)


def _cipher(cookie: str) -> AESGCM:
    """The cookie has 256 random bits, so no stretching is needed to make a key of it."""
    return AESGCM(
        HKDF(algorithm=SHA256(), length=32, salt=None, info=b"obzvon refresh token").derive(
            cookie.encode()
        )
    )


def _sealed(refresh_token: str, cookie: str) -> str:
    once = secrets.token_bytes(12)
    return base64.b64encode(
        once + _cipher(cookie).encrypt(once, refresh_token.encode(), None)
    ).decode()


def _unsealed(sealed: str | None, cookie: str) -> str | None:
    if sealed is None:
        return None
    try:
        data = base64.b64decode(sealed, validate=True)
        return _cipher(cookie).decrypt(data[:12], data[12:], None).decode()
    except (ValueError, InvalidTag):
        log.warning("a refresh token can't be unsealed")
        return None


_EXPLANATIONS: Final = {
    401: "Вход не удался или начат слишком давно.",
    403: "У этой учётной записи нет роли «Руководитель» или «Контроль качества».",
    503: "Сейчас войти нельзя: служба входа не отвечает.",
}


def _failure_page(refusal: Refused) -> HTMLResponse:
    text = _EXPLANATIONS.get(refusal.status_code, "Вход не удался.")
    return HTMLResponse(
        '<!doctype html><html lang="ru"><meta charset="utf-8"><title>Вход</title>'
        f'<h1>Вход</h1><p>{html.escape(text)}</p><p><a href="/login">Попробовать ещё раз</a></p>',
        status_code=refusal.status_code,
        headers={"Cache-Control": "no-store", **(refusal.headers or {})},
    )
