"""Wallboard keys and browser sessions in the Redis of ACCESS_REDIS_URL.

==============================  ======  ==================================================
key                             type    value
==============================  ======  ==================================================
``obzvon:access:keys``          hash    key id → `KeyRecord`
``obzvon:access:session:HASH``  string  `SessionRecord`, until it ends
``obzvon:access:login:HASH``    string  `PendingLogin`, ten minutes
``obzvon:access:renew:HASH``    string  present while a process renews that session
==============================  ======  ==================================================

Secrets are stored as SHA-256 only. A slow, salted hash protects secrets that can be guessed; these
have 256 random bits, so there is nothing to guess, and the check takes a microsecond.

Every failure of this Redis is a 503: what can't be looked up is not allowed.
"""

import hashlib
import hmac
import secrets
from collections.abc import Awaitable
from datetime import datetime
from typing import Any, Final, TypeVar, cast

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError
from redis.asyncio import BlockingConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import (
    ConnectionError,  # noqa: A004 -- redis-py's own, not the built-in
    RedisError,
)

from query_api.auth.refusals import unavailable
from query_api.connections import use_primary_connections

KEY_PREFIX: Final = "obzkey"
"""The beginning of every wallboard key, so that secret scanners can find one that leaked."""

REDIS_TIMEOUT_S: Final = 1.0
"""Seconds to wait for an answer, and for a free connection."""

REDIS_CONNECTIONS: Final = 16
"""Connections at most: wallboards that all come back at once wait for these."""

_KEYS: Final = "obzvon:access:keys"
_SESSION: Final = "obzvon:access:session:"
_LOGIN: Final = "obzvon:access:login:"
_RENEW: Final = "obzvon:access:renew:"

PENDING_LOGIN_S: Final = 600
"""Seconds a user may spend on the issuer's login page."""

RENEWAL_LOCK_S: Final = 10

log: Final = structlog.stdlib.get_logger("obzvon.access")

T = TypeVar("T")


class _Record(BaseModel):
    model_config = ConfigDict(frozen=True)


class RestrictionRecord(_Record):
    operators: list[str] | None = None
    managers: list[str] | None = None


class KeyRecord(_Record):
    """A wallboard key, without the key."""

    id: str
    name: str
    sha256: str
    created_at: datetime
    expires_at: datetime
    revoked_at: datetime | None = None
    restriction: RestrictionRecord | None = None

    def is_valid(self, now: float) -> bool:
        return self.revoked_at is None and now < self.expires_at.timestamp()


class SessionRecord(_Record):
    """A browser that is logged in, or a wallboard that has shown its key."""

    ends_at: float
    """Unix time; nothing prolongs it."""
    key_id: str | None = None
    """Set for a wallboard: its rights are those of the key, which is looked up each time."""
    subject: str = ""
    name: str = ""
    roles: list[str] = []
    restriction: RestrictionRecord | None = None
    rights_end_at: float = 0
    """Unix time until which the roles are known; then the issuer must be asked for them again."""
    sealed_refresh_token: str | None = None
    """Encrypted with a key derived from the cookie, which is not stored: see `sealing`."""


class PendingLogin(_Record):
    """What is remembered between /login and /login/callback."""

    browser: str
    """SHA-256 of the cookie that ties the login to the browser that started it."""
    nonce: str
    verifier: str
    next: str


def secret() -> str:
    """Returns 256 random bits, as 43 characters that need no quoting anywhere."""
    return secrets.token_urlsafe(32)


def key_id() -> str:
    """Returns a new id, which names a key in lists, logs and the key itself; it is not a secret."""
    return secrets.token_hex(4)


def sha256(value: str) -> str:
    return hashlib.sha256(value.encode()).hexdigest()


def split_key(key: str) -> tuple[str, str] | None:
    """Returns (id, secret) of a wallboard key; None if the text is not one."""
    prefix, _, rest = key.partition("_")
    key_id, _, value = rest.partition("_")
    if prefix != KEY_PREFIX or not key_id.isalnum() or len(key_id) > 32 or not value:
        return None
    return key_id, value


class AccessStore:
    """Reads and writes keys, sessions and logins. Every method may raise a 503 `Refusal`."""

    def __init__(self, url: str) -> None:
        pool: BlockingConnectionPool = BlockingConnectionPool.from_url(
            url,
            max_connections=REDIS_CONNECTIONS,
            timeout=REDIS_TIMEOUT_S,
            socket_timeout=REDIS_TIMEOUT_S,
            socket_connect_timeout=REDIS_TIMEOUT_S,
            decode_responses=True,
            retry=Retry(NoBackoff(), 1, supported_errors=(ConnectionError,)),
        )
        use_primary_connections(pool)
        self._redis: Redis = Redis.from_pool(pool)

    async def close(self) -> None:
        await self._redis.aclose()

    async def add_key(self, record: KeyRecord) -> None:
        await self._ask(self._redis.hset(_KEYS, record.id, record.model_dump_json()))

    async def key(self, key_id: str) -> KeyRecord | None:
        return _parsed(KeyRecord, await self._ask(self._redis.hget(_KEYS, key_id)))

    async def keys(self) -> list[KeyRecord]:
        entries = await self._ask(self._redis.hgetall(_KEYS))
        found = [_parsed(KeyRecord, text) for text in entries.values()]
        return sorted((key for key in found if key is not None), key=lambda key: key.created_at)

    async def key_of_secret(self, presented: str) -> KeyRecord | None:
        """Returns the record of a key that was shown in full, expired or revoked ones too.

        None if there is no such key, or if its secret is wrong.
        """
        parts = split_key(presented)
        if parts is None:
            return None
        record = await self.key(parts[0])
        if record is None or not hmac.compare_digest(record.sha256, sha256(parts[1])):
            return None
        return record

    async def put_session(self, handle: str, session: SessionRecord, ttl_s: float) -> None:
        seconds = max(1, int(ttl_s))
        await self._ask(self._redis.set(_SESSION + handle, session.model_dump_json(), ex=seconds))

    async def replace_session(self, handle: str, session: SessionRecord) -> bool:
        """Returns False if it has ended meanwhile: a renewal must not bring back a logged-out session."""
        done = await self._ask(
            self._redis.set(_SESSION + handle, session.model_dump_json(), xx=True, keepttl=True)
        )
        return bool(done)

    async def session(self, handle: str) -> SessionRecord | None:
        return _parsed(SessionRecord, await self._ask(self._redis.get(_SESSION + handle)))

    async def end_session(self, handle: str) -> SessionRecord | None:
        """End a session; returns what it was, None if there was none."""
        return _parsed(SessionRecord, await self._ask(self._redis.getdel(_SESSION + handle)))

    async def put_login(self, state: str, login: PendingLogin) -> None:
        await self._ask(
            self._redis.set(_LOGIN + sha256(state), login.model_dump_json(), ex=PENDING_LOGIN_S)
        )

    async def take_login(self, state: str) -> PendingLogin | None:
        """Returns the pending login of that state, and removes it."""
        return _parsed(PendingLogin, await self._ask(self._redis.getdel(_LOGIN + sha256(state))))

    async def claim_renewal(self, handle: str) -> bool:
        """Take the lock for renewing a session; returns False if another process holds it."""
        return bool(
            await self._ask(self._redis.set(_RENEW + handle, "1", nx=True, ex=RENEWAL_LOCK_S))
        )

    async def release_renewal(self, handle: str) -> None:
        await self._ask(self._redis.delete(_RENEW + handle))

    async def _ask(self, answer: Awaitable[Any] | Any) -> Any:
        try:
            return await cast("Awaitable[Any]", answer)
        except (RedisError, OSError, TimeoutError) as error:
            raise unavailable(
                "Keys and sessions can't be looked up now: try again.",
                why="access store unreachable",
            ) from error


def _parsed(record: type[T], text: str | None) -> T | None:
    """Returns None for a record that can't be read, as if there were none: it allows nothing."""
    if text is None:
        return None
    try:
        return cast("Any", record).model_validate_json(text)  # type: ignore[no-any-return]
    except ValidationError:
        log.exception("unreadable record in the access store", record=record.__name__)
        return None
