"""Credentials to callers: what came with a request, checked, and remembered while it holds."""

import asyncio
import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Self

import httpx

from query_api.auth.caller import WALLBOARD, Caller, Restriction
from query_api.auth.issuer import FETCH_TIMEOUT_S, Issuer
from query_api.auth.refusals import Refused, unauthorized, unavailable
from query_api.auth.settings import AccessSettings, origin_of
from query_api.auth.store import (
    AccessStore,
    KeyRecord,
    RestrictionRecord,
    SessionRecord,
    secret,
    sha256,
)
from query_api.auth.tokens import MAX_TOKEN_BYTES, TokenReader

RECHECK_S: Final = 30.0
"""A key or session is looked up again when its last look-up is older than this."""

REMEMBERED: Final = 20_000
"""Verified credentials that are kept; beyond that the oldest are verified again."""

_MAX_COOKIE: Final = 128

_SCHEMES: Final = {b"bearer": "token", b"key": "key"}

Renewal = Callable[[str, str, SessionRecord], Awaitable[SessionRecord | None]]
"""(handle, cookie, session whose rights ended) → the session with new rights, or None."""


class Credential:
    """What a request brought: its kind, its text and its digest."""

    __slots__ = ("digest", "kind", "text")

    def __init__(self, kind: str, raw: bytes) -> None:
        self.kind = kind
        self.text = raw
        self.digest = hashlib.sha256(kind.encode() + b" " + raw).digest()


class _Known:
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
        self.tls = httpx.create_ssl_context()
        """Shared, since loading the authorities anew takes tens of milliseconds."""
        self.client = httpx.AsyncClient(
            verify=self.tls,
            timeout=FETCH_TIMEOUT_S,
            follow_redirects=False,
            trust_env=settings.trusts_proxy_variables,
        )
        self.issuer = Issuer(settings, self.client, monotonic=monotonic)
        self.tokens = TokenReader(settings, self.issuer)
        self.renewal: Renewal | None = None
        """Set by the browser login."""
        self._store = AccessStore(settings.access_redis_url) if settings.access_redis_url else None
        self._clock = clock
        self._known: dict[bytes, _Known] = {}
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
        await self.client.aclose()
        if self._store is not None:
            await self._store.close()

    @property
    def store(self) -> AccessStore:
        """The store of keys and sessions; a 503 where none is set."""
        if self._store is None:
            raise unavailable(
                "Wallboard keys and logins are switched off: OBZVON_ACCESS_REDIS_URL is not set.",
                why="no access store",
                retry_after=3600,
            )
        return self._store

    def now(self) -> float:
        return self._clock()

    def credential(self, headers: list[tuple[bytes, bytes]]) -> Credential | None:
        """What the request brings: the Authorization header, else a cookie of ours.

        A header that is there decides, also when it is bad: a cookie never rescues it.
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
            scheme, _, text = header.partition(b" ")
            kind = _SCHEMES.get(scheme.lower())
            text = text.strip()
            if kind is None or not text:
                raise unauthorized(
                    "Bring a bearer token: Authorization: Bearer TOKEN", why="no credential"
                )
            if len(text) > MAX_TOKEN_BYTES:
                raise unauthorized("The token is too large", why="token too large")
            return Credential(kind, text)
        if cookies:
            return self._cookie_credential(cookies)
        return None

    def _cookie_credential(self, cookies: list[bytes]) -> Credential | None:
        found: dict[bytes, bytes] = {}
        for part in b";".join(cookies).split(b";"):
            name, _, value = part.strip().partition(b"=")
            found.setdefault(name, value)
        for kind, cookie in (
            ("session", self.session_cookie),
            ("wallboard", self.wallboard_cookie),
        ):
            value = found.get(cookie.encode(), b"")
            if 0 < len(value) <= _MAX_COOKIE:
                return Credential(kind, value)
        return None

    def remembered(self, credential: Credential) -> Caller | None:
        """The caller of a credential that was verified and still holds. Costs a microsecond."""
        self.issuer.refresh_if_due()
        known = self._known.get(credential.digest)
        if known is None:
            return None
        if known.until <= self._clock() or known.version != self.issuer.version:
            del self._known[credential.digest]
            return None
        return known.caller

    async def verify(self, credential: Credential) -> Caller:
        """The caller of a credential; 401 if it is bad, 503 if that can't be known now.

        Requests that bring the same one at the same time share one check: a page's dozen
        requests must not look its session up a dozen times.
        """
        digest = credential.digest
        checking = self._checking.get(digest)
        if checking is None:
            checking = asyncio.get_running_loop().create_task(self._verify(credential))
            self._checking[digest] = checking
            checking.add_done_callback(lambda done: self._checked(digest, done))
        return await asyncio.shield(checking)  # one that gives up must not stop it for the rest

    def _checked(self, digest: bytes, done: asyncio.Task[Caller]) -> None:
        del self._checking[digest]
        if not done.cancelled():
            done.exception()  # so that it counts as seen when nobody waits any more

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
                caller = self._key_caller(await self.store.key_of_secret(text))
                until = min(caller.expires_at, now + RECHECK_S)
            case _:
                caller = await self._session_caller(text)
                until = min(caller.expires_at, now + RECHECK_S)
        while len(self._known) >= REMEMBERED:
            del self._known[next(iter(self._known))]
        self._known[credential.digest] = _Known(caller, until, version)
        return caller

    async def still_allowed(self, caller: Caller) -> bool:
        """Whether an open stream may go on; ask every `RECHECK_S` seconds and at `expires_at`.

        False too when it can't be known: the stream ends, and its client comes back with a
        request that gets the reason.
        """
        if self._clock() >= caller.expires_at:
            return False
        if caller.kind == "token":
            return True
        try:
            if caller.handle:
                await self._caller_of_session(
                    caller.handle, await self._live_session(caller.handle)
                )
            else:
                self._key_caller(await self.store.key(caller.subject))
        except Refused:
            return False
        return True

    async def open_wallboard(self, key: str) -> tuple[str, Caller]:
        """Exchange a key for a cookie's value; 401 if the key is not good."""
        record = await self.store.key_of_secret(key)
        caller = self._key_caller(record)
        cookie, handle = _new_cookie()
        session = SessionRecord(ends_at=caller.expires_at, key_id=caller.subject)
        await self.store.put_session(handle, session, caller.expires_at - self._clock())
        return cookie, caller

    async def open_session(self, session: SessionRecord, cookie: str) -> None:
        await self.store.put_session(sha256(cookie), session, session.ends_at - self._clock())

    async def end_session(self, cookie: str) -> SessionRecord | None:
        """End it in the store, and here at once; other processes notice within `RECHECK_S`."""
        handle = sha256(cookie)
        for digest, known in list(self._known.items()):
            if known.caller.handle == handle:
                del self._known[digest]
        return await self.store.end_session(handle)

    async def _session_caller(self, cookie: str) -> Caller:
        handle = sha256(cookie)
        session = await self._live_session(handle)
        if session.key_id is None and session.rights_end_at <= self._clock():
            renewed = await self.renewal(handle, cookie, session) if self.renewal else None
            if renewed is None:
                raise unauthorized("The session has ended: log in again", why="session ended")
            session = renewed
        return await self._caller_of_session(handle, session)

    async def _live_session(self, handle: str) -> SessionRecord:
        session = await self.store.session(handle)
        if session is None or session.ends_at <= self._clock():
            raise unauthorized("The session has ended: log in again", why="session ended")
        return session

    async def _caller_of_session(self, handle: str, session: SessionRecord) -> Caller:
        if session.key_id is not None:
            return self._key_caller(await self.store.key(session.key_id), handle)
        expires_at = min(session.ends_at, session.rights_end_at)
        if expires_at <= self._clock():
            raise unauthorized("The session has ended: log in again", why="session ended")
        return Caller(
            subject=session.subject,
            name=session.name,
            kind="session",
            roles=frozenset(session.roles),
            expires_at=expires_at,
            restriction=restriction_of(session.restriction),
            handle=handle,
        )

    def _key_caller(self, record: KeyRecord | None, handle: str = "") -> Caller:
        if record is None:
            raise unauthorized("There is no such key", why="unknown key")
        if record.revoked_at is not None:
            raise unauthorized("The key was revoked", why="key revoked")
        if not record.is_valid(self._clock()):
            raise unauthorized("The key has expired", why="key expired")
        return Caller(
            subject=record.id,
            name=record.name,
            kind="key",
            roles=frozenset({WALLBOARD}),
            expires_at=record.expires_at.timestamp(),
            restriction=restriction_of(record.restriction),
            may_read_rows=False,
            handle=handle,
        )

    def own_origin(self, scope: Mapping[str, Any]) -> str:
        """The origin this API is reached at."""
        if self.settings.public_url is not None:
            return self.settings.public_url
        host = next((value for name, value in scope["headers"] if name == b"host"), b"")
        return origin_of(f"{scope.get('scheme', 'http')}://{host.decode('latin-1')}")


def restriction_of(record: RestrictionRecord | None) -> Restriction | None:
    if record is None:
        return None
    return Restriction(
        operators=None if record.operators is None else frozenset(record.operators),
        managers=None if record.managers is None else frozenset(record.managers),
    )


def _new_cookie() -> tuple[str, str]:
    """(value for the browser, handle under which the store keeps it)."""
    cookie = secret()
    return cookie, sha256(cookie)
