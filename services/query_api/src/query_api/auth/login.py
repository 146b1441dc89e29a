"""The browser's login: authorization code with PKCE, and a session that is kept here.

The browser holds one opaque cookie. Roles and restriction are in the session; when the access
token they came from ends, they are asked for again with the refresh token, which is stored
encrypted with a key made from the cookie: whoever reads the store can't use it.

Sources: RFC 6749 §4.1, RFC 7636 (PKCE), RFC 9207 (iss in the answer), OpenID Connect Core §3.1,
draft-ietf-oauth-browser-based-apps (the backend keeps the tokens).
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from query_api.auth import audit
from query_api.auth.access import Access
from query_api.auth.caller import Caller
from query_api.auth.oidc_client import OidcClient, Tokens
from query_api.auth.refusals import forbidden, unauthorized
from query_api.auth.sessions import session_record
from query_api.auth.store import PendingLogin, SessionRecord, secret, sha256

_MAX_NEXT: Final = 2_000


def safe_next(wanted: str | None) -> str:
    """Returns the path of this API to open after the login, whatever was asked for.

    Browsers read a backslash as a slash and drop control characters, so that a slash and either of
    them lead to another site, just as `//evil` does.
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


@dataclass(frozen=True, slots=True)
class ConfirmedLogin:
    """Somebody the issuer has let in, and whose role may read the report."""

    caller: Caller
    tokens: Tokens
    next: str
    """The path to open after the login."""


class Login:
    """The steps of a login: start, finish, open a session."""

    def __init__(self, access: Access) -> None:
        assert access.oidc_client is not None  # the routes exist only if the login is switched on
        self._access = access
        self._client: OidcClient = access.oidc_client

    async def start(self, next_path: str | None) -> tuple[str, str]:
        """Returns (where the browser logs in, the cookie that ties the login to this browser)."""
        state, browser, nonce, verifier = secret(), secret(), secret(), secret()
        url = await self._client.authorization_url(state=state, nonce=nonce, verifier=verifier)
        await self._access.sessions.store.put_login(
            state,
            PendingLogin(
                browser=sha256(browser), nonce=nonce, verifier=verifier, next=safe_next(next_path)
            ),
        )
        return url, browser

    async def finish(self, answer: Mapping[str, str], browser: str) -> ConfirmedLogin:
        """Returns who logged in, from the query the issuer sent the browser back with.

        `browser` is the cookie of `start`. A 401, 403 or 503 `Refusal` says why nobody did.
        """
        pending = await self._pending(answer.get("state", ""), browser)
        caller, tokens = await self._exchange(answer, pending)
        if not caller.may_read_report:
            raise forbidden("This account's role may not read the report.", why="wrong role")
        return ConfirmedLogin(caller, tokens, pending.next)

    async def open_session(
        self, login: ConfirmedLogin, *, replacing: str | None
    ) -> tuple[str, SessionRecord]:
        """Returns (cookie, session) of a new session; the one of the cookie `replacing` ends."""
        access = self._access
        cookie = secret()
        if replacing:
            await access.end_session(replacing)
        ends_at = access.now() + access.settings.session_hours * 3600
        session = session_record(login.caller, login.tokens, cookie, ends_at=ends_at)
        await access.sessions.open(session, cookie)
        audit.log_event("logged in", who=f"session:{login.caller.subject}", name=login.caller.name)
        return cookie, session

    async def end_session(self, cookie: str) -> None:
        """End the session of a cookie, of a login or a wallboard, if there is one."""
        ended = await self._access.end_session(cookie)
        if ended is not None:
            who = f"key:{ended.key_id}" if ended.key_id else f"session:{ended.subject}"
            audit.log_event("logged out", who=who, name=ended.name)

    async def _pending(self, state: str, browser: str) -> PendingLogin:
        """Returns the login that this browser started."""
        store = self._access.sessions.store
        pending = await store.take_login(state) if state and browser else None
        if pending is None or not hmac.compare_digest(pending.browser, sha256(browser)):
            raise unauthorized(
                "This login was not begun in this browser, or too long ago",
                why="no pending login",
                error=None,
            )
        return pending

    async def _exchange(
        self, answer: Mapping[str, str], pending: PendingLogin
    ) -> tuple[Caller, Tokens]:
        """Returns (who logged in, the tokens), both proven to belong to this login."""
        metadata = await self._access.issuer.metadata()
        issuer = answer.get("iss")
        must_name_it = metadata.get("authorization_response_iss_parameter_supported") is True
        if issuer != self._access.settings.oidc_issuer and (issuer is not None or must_name_it):
            raise unauthorized("The answer is of another issuer", why="wrong issuer", error=None)
        code = answer.get("code")
        if code is None:
            raise unauthorized("The issuer let nobody in", why="login refused", error=None)
        tokens = await self._client.exchange_code(code, verifier=pending.verifier)
        subject = await self._identified(str(tokens.get("id_token", "")), pending.nonce)
        caller = await self._access.tokens.caller(str(tokens.get("access_token", "")))
        if caller.subject != subject:
            raise unauthorized("The tokens are of two people", why="token mix", error=None)
        return caller, tokens

    async def _identified(self, id_token: str, nonce: str) -> str:
        """Returns the subject of an ID token that was made for this login."""
        client_id = self._client.client_id
        claims, _ = await self._access.tokens.verified(id_token, audience=client_id)
        if not hmac.compare_digest(str(claims.get("nonce", "")), nonce):
            raise unauthorized("The answer is to another login", why="wrong nonce", error=None)
        if claims.get("azp", client_id) != client_id:
            raise unauthorized("The ID token is for another client", why="wrong azp", error=None)
        return str(claims["sub"])
