"""From credentials to callers: each is verified, and remembered as long as it holds."""

import asyncio
import time
from collections.abc import Callable
from typing import Final, Self

import httpx

from query_api.auth.caller import Caller
from query_api.auth.credentials import Credential, credential_in
from query_api.auth.issuer import FETCH_TIMEOUT_S, Issuer
from query_api.auth.oidc_client import OidcClient
from query_api.auth.refusals import unauthorized
from query_api.auth.sessions import SessionRenewal, Sessions
from query_api.auth.settings import AccessSettings
from query_api.auth.store import AccessStore, SessionRecord, sha256
from query_api.auth.tokens import TokenReader

RECHECK_S: Final = 30.0
"""A key or session is looked up again when its last look-up is older than this."""

REMEMBERED: Final = 20_000
"""Verified credentials that are kept; beyond that the oldest are verified again."""


class _Verification:
    """A caller that was verified, until when that holds, and with which keys of the issuer."""

    __slots__ = ("caller", "until", "version")

    def __init__(self, caller: Caller, until: float, version: int) -> None:
        self.caller = caller
        self.until = until
        self.version = version


class Access:
    """Checks credentials. One per app; close it at shutdown (``async with``).

    Always in real time: a report may be shown as of another moment, but a token expires now.
    """

    def __init__(
        self,
        settings: AccessSettings,
        *,
        clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.settings = settings
        tls = httpx.create_ssl_context()  # shared: loading the authorities takes tens of ms
        self._http = httpx.AsyncClient(
            verify=tls,
            timeout=FETCH_TIMEOUT_S,
            follow_redirects=False,
            trust_env=settings.trusts_proxy_variables,
        )
        self.issuer = Issuer(settings, self._http, monotonic=monotonic)
        self.tokens = TokenReader(settings, self.issuer)
        self.oidc_client: OidcClient | None = None
        """None if there is no browser login."""
        store = AccessStore(settings.access_redis_url) if settings.access_redis_url else None
        renewal = None
        if settings.oidc_client_id is not None:
            assert store is not None  # the settings require both together
            self.oidc_client = OidcClient(settings, self.issuer, tls)
            renewal = SessionRenewal(store, self.oidc_client, self.tokens, clock=clock)
        self.sessions = Sessions(store, renewal, clock=clock)
        self._clock = clock
        self._known: dict[bytes, _Verification] = {}
        self._checking: dict[bytes, asyncio.Task[Caller]] = {}
        prefix = "__Host-" if settings.is_https else ""
        self.session_cookie = f"{prefix}obzvon_session"
        self.wallboard_cookie = f"{prefix}obzvon_wallboard"

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *failure: object) -> None:
        for checking in list(self._checking.values()):
            checking.cancel()
        await asyncio.gather(*self._checking.values(), return_exceptions=True)
        await self.issuer.close()
        await self._http.aclose()
        await self.sessions.close()

    def now(self) -> float:
        return self._clock()

    def credential(self, headers: list[tuple[bytes, bytes]]) -> Credential | None:
        """Returns what a request brings, None if nothing; see `credential_in`."""
        return credential_in(
            headers, session_cookie=self.session_cookie, wallboard_cookie=self.wallboard_cookie
        )

    def remembered(self, credential: Credential) -> Caller | None:
        """Returns the caller of a credential that was verified and still holds.

        Costs a microsecond.
        """
        self.issuer.refresh_if_due()
        known = self._known.get(credential.digest)
        if known is None:
            return None
        if known.until <= self._clock() or known.version != self.issuer.version:
            del self._known[credential.digest]
            return None
        return known.caller

    async def verify(self, credential: Credential) -> Caller:
        """Returns the caller of a credential; 401 if it is bad, 503 if that can't be known now.

        Requests that bring the same one at the same time share one check: a page's dozen
        requests must not look its session up a dozen times.
        """
        digest = credential.digest
        checking = self._checking.get(digest)
        if checking is None:
            checking = asyncio.get_running_loop().create_task(self._verify(credential))
            self._checking[digest] = checking
            checking.add_done_callback(lambda done: self._checked(digest, done))
        # Shielded: if one request gives up, the check goes on for the rest.
        return await asyncio.shield(checking)

    def _checked(self, digest: bytes, done: asyncio.Task[Caller]) -> None:
        del self._checking[digest]
        if not done.cancelled():
            done.exception()  # so that it counts as retrieved even if nobody waits any more

    async def _verify(self, credential: Credential) -> Caller:
        try:
            text = credential.text.decode("ascii")
        except UnicodeDecodeError:
            raise unauthorized("The credential can't be read", why="malformed token") from None
        now = self._clock()
        version = self.issuer.version
        match credential.kind:
            case "token":
                caller = await self.tokens.caller(text)
                version = self.issuer.version
                until = caller.expires_at
            case "key":
                caller = await self.sessions.caller_of_key(text)
                until = min(caller.expires_at, now + RECHECK_S)
            case _:
                caller = await self.sessions.caller_of_cookie(text)
                until = min(caller.expires_at, now + RECHECK_S)
        while len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[credential.digest] = _Verification(caller, until, version)
        return caller

    async def still_allowed(self, caller: Caller) -> bool:
        """Whether an open stream may go on; ask every `RECHECK_S` seconds and at `expires_at`.

        Also False if it can't be known: the stream ends, and its client comes back with a
        request that gets the reason.
        """
        if self._clock() >= caller.expires_at:
            return False
        return caller.kind == "token" or await self.sessions.is_live(caller)

    async def end_session(self, cookie: str) -> SessionRecord | None:
        """End a session in the store, and here at once; returns what it was.

        Other processes notice within `RECHECK_S`.
        """
        handle = sha256(cookie)
        for digest, known in list(self._known.items()):
            if known.caller.handle == handle:
                del self._known[digest]
        return await self.sessions.store.end_session(handle)
