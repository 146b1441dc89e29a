"""Browser sessions and wallboard keys: their callers, looked up in the access Redis."""

import asyncio
from collections.abc import Callable
from typing import Final

from query_api.auth.caller import WALLBOARD, Caller, Restriction
from query_api.auth.oidc_client import OidcClient, Tokens
from query_api.auth.refusals import Refusal, unauthorized, unavailable
from query_api.auth.sealing import seal, unseal
from query_api.auth.store import (
    RENEWAL_LOCK_S,
    AccessStore,
    KeyRecord,
    RestrictionRecord,
    SessionRecord,
    secret,
    sha256,
)
from query_api.auth.tokens import TokenReader

RENEWAL_POLL_S: Final = 0.1
"""Seconds between two looks whether another process has renewed the session."""


class SessionRenewal:
    """Asks the issuer for a session's rights again, with the refresh token."""

    def __init__(
        self,
        store: AccessStore,
        client: OidcClient,
        tokens: TokenReader,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._store = store
        self._client = client
        self._tokens = tokens
        self._clock = clock

    async def renew(self, handle: str, cookie: str, session: SessionRecord) -> SessionRecord | None:
        """Returns the session with rights the issuer has just confirmed; None if it confirms none.

        A refresh token is often good only once, so one process asks and the others wait.
        """
        store = self._store
        if session.sealed_refresh_token is None:
            return None
        if not await store.claim_renewal(handle):
            return await self._renewed_elsewhere(handle)
        try:
            current = await store.session(handle)  # it may have been renewed just before
            if current is None or current.rights_end_at > self._clock():
                return current
            renewed = await self._confirmed(cookie, current)
            if renewed is None:
                await store.end_session(handle)
                return None
            return renewed if await store.replace_session(handle, renewed) else None
        finally:
            await store.release_renewal(handle)

    async def _renewed_elsewhere(self, handle: str) -> SessionRecord | None:
        for _ in range(int(RENEWAL_LOCK_S / RENEWAL_POLL_S)):
            await asyncio.sleep(RENEWAL_POLL_S)
            session = await self._store.session(handle)
            if session is None or session.rights_end_at > self._clock():
                return session
        raise unavailable("The session is being renewed: try again.", why="renewal slow")

    async def _confirmed(self, cookie: str, session: SessionRecord) -> SessionRecord | None:
        sealed = session.sealed_refresh_token
        refresh_token = None if sealed is None else unseal(sealed, cookie)
        if refresh_token is None:
            return None
        tokens = await self._client.refresh(refresh_token)
        if tokens is None:
            return None
        caller = await self._tokens.caller(str(tokens.get("access_token", "")))
        if caller.subject != session.subject:
            return None
        return session_record(caller, tokens, cookie, ends_at=session.ends_at)


class Sessions:
    """Sessions and keys, and whom they speak for. Every method may raise a 503 `Refusal`."""

    def __init__(
        self,
        store: AccessStore | None,
        renewal: SessionRenewal | None,
        *,
        clock: Callable[[], float],
    ) -> None:
        self.renewal = renewal
        """None if there is no browser login."""
        self._store = store
        self._clock = clock

    async def close(self) -> None:
        if self._store is not None:
            await self._store.close()

    @property
    def store(self) -> AccessStore:
        """The store of keys and sessions; a 503 if none is configured."""
        if self._store is None:
            raise unavailable(
                "Wallboard keys and logins are switched off: OBZVON_ACCESS_REDIS_URL is not set.",
                why="no access store",
                retry_after=3600,
            )
        return self._store

    async def open(self, session: SessionRecord, cookie: str) -> None:
        await self.store.put_session(sha256(cookie), session, session.ends_at - self._clock())

    async def open_wallboard(self, key: str) -> tuple[str, Caller]:
        """Returns (a cookie's value, the key's caller); 401 if the key is not good."""
        caller = await self.caller_of_key(key)
        cookie = secret()
        await self.open(SessionRecord(ends_at=caller.expires_at, key_id=caller.subject), cookie)
        return cookie, caller

    async def caller_of_key(self, key: str) -> Caller:
        """Returns whom a wallboard key, shown in full, speaks for; 401 if it is not good."""
        return self._key_caller(await self.store.key_of_secret(key))

    async def caller_of_cookie(self, cookie: str) -> Caller:
        """Returns whose session a cookie opens, its rights renewed if they ended; 401 if none."""
        handle = sha256(cookie)
        session = await self._live_session(handle)
        if session.key_id is None and session.rights_end_at <= self._clock():
            renewed = await self.renewal.renew(handle, cookie, session) if self.renewal else None
            if renewed is None:
                raise _ended()
            session = renewed
        return await self._session_caller(handle, session)

    async def is_live(self, caller: Caller) -> bool:
        """Whether the caller's session or key is still good; False if that can't be known."""
        try:
            if caller.handle:
                await self._session_caller(caller.handle, await self._live_session(caller.handle))
            else:
                self._key_caller(await self.store.key(caller.subject))
        except Refusal:
            return False
        return True

    async def _live_session(self, handle: str) -> SessionRecord:
        session = await self.store.session(handle)
        if session is None or session.ends_at <= self._clock():
            raise _ended()
        return session

    async def _session_caller(self, handle: str, session: SessionRecord) -> Caller:
        if session.key_id is not None:
            return self._key_caller(await self.store.key(session.key_id), handle)
        expires_at = min(session.ends_at, session.rights_end_at)
        if expires_at <= self._clock():
            raise _ended()
        return Caller(
            subject=session.subject,
            name=session.name,
            kind="session",
            roles=frozenset(session.roles),
            expires_at=expires_at,
            ends_at=session.ends_at if session.sealed_refresh_token else expires_at,
            restriction=_restriction(session.restriction),
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
            ends_at=record.expires_at.timestamp(),
            restriction=_restriction(record.restriction),
            may_read_rows=False,
            handle=handle,
        )


def session_record(caller: Caller, tokens: Tokens, cookie: str, *, ends_at: float) -> SessionRecord:
    """Returns the session of a caller whose access token the issuer has just given."""
    refresh_token = tokens.get("refresh_token")
    return SessionRecord(
        ends_at=ends_at,
        subject=caller.subject,
        name=caller.name,
        roles=sorted(caller.roles),
        restriction=_restriction_record(caller.restriction),
        rights_end_at=caller.expires_at,
        sealed_refresh_token=(
            seal(refresh_token, cookie) if isinstance(refresh_token, str) else None
        ),
    )


def _restriction(record: RestrictionRecord | None) -> Restriction | None:
    if record is None:
        return None
    return Restriction(
        operators=None if record.operators is None else frozenset(record.operators),
        managers=None if record.managers is None else frozenset(record.managers),
    )


def _restriction_record(restriction: Restriction | None) -> RestrictionRecord | None:
    if restriction is None:
        return None
    return RestrictionRecord(
        operators=None if restriction.operators is None else sorted(restriction.operators),
        managers=None if restriction.managers is None else sorted(restriction.managers),
    )


def _ended() -> Refusal:
    return unauthorized("The session has ended: log in again", why="session ended")
