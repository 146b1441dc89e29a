"""The issuer of tokens: its discovery document and its keys, fetched in the background.

Sources: OpenID Connect Discovery 1.0 §4, RFC 7517 (JWK), RFC 7518 §3 (RS256, ES256).
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import httpx
import structlog
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from jwt import PyJWK, PyJWTError
from pydantic_core import from_json

from query_api.auth.refusals import unauthorized, unavailable
from query_api.auth.settings import AccessSettings

ALGORITHMS: Final = ("RS256", "ES256")
"""Nothing else is ever accepted. Which of them a token must use is decided by its key."""

MIN_RSA_BITS: Final = 2048

FETCH_TIMEOUT_S: Final = 3.0
"""A request that waits for keys waits no longer than this."""

UNKNOWN_KID_PAUSE_S: Final = 10.0
"""Seconds between two fetches caused by unknown key ids, so that strangers can't cause a flood."""

RETRY_PAUSE_S: Final = 1.0
"""Seconds between two fetches while there are no keys at all."""

REFRESH_S: Final = 600.0
"""Keys older than this are fetched again in the background, so that withdrawn ones are noticed."""

KEYS_LIVE_S: Final = 24 * 3600.0
"""Keys that could not be fetched again for this long are no longer trusted."""

MAX_DOCUMENT_BYTES: Final = 256 * 1024
"""A larger response is neither a discovery document nor a key set."""


class Unusable(Exception):
    """The issuer's response can't be used."""


_FETCH_FAILURES: Final = (
    httpx.HTTPError,
    httpx.InvalidURL,
    TimeoutError,
    Unusable,
    ValueError,
    KeyError,
)

log: Final = structlog.stdlib.get_logger("obzvon.access")


@dataclass(frozen=True, slots=True)
class SigningKey:
    algorithm: str
    material: RSAPublicKey | EllipticCurvePublicKey
    fingerprint: str
    """The key's public numbers: they reveal a new key under an old id."""


class Issuer:
    """Keys and endpoints of the one issuer that is trusted.

    `version` grows when a key was replaced or withdrawn; what was verified before is void.
    """

    def __init__(
        self,
        settings: AccessSettings,
        client: httpx.AsyncClient,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._settings = settings
        self._client = client
        self._monotonic = monotonic
        self._keys: dict[str, SigningKey] = {}
        self._fetched_at = -float("inf")
        self._tried_at = -float("inf")
        self._has_failed = False
        self._fetching: asyncio.Task[None] | None = None
        self._metadata: Mapping[str, Any] | None = None
        self.version = 0

    async def key(self, kid: str) -> SigningKey:
        """Returns the key of that id; 401 if the issuer has none, 503 if that can't be known."""
        if not self._has_keys():
            await self._fetch(RETRY_PAUSE_S)
            if not self._has_keys():
                raise unavailable(
                    "The issuer's keys can't be reached, so no token can be checked: try again.",
                    why="keys unreachable",
                )
        if kid not in self._keys:
            await self._fetch(UNKNOWN_KID_PAUSE_S)
        if kid in self._keys:
            return self._keys[kid]
        if self._has_failed:
            raise unavailable(
                "The token's key is not known and the issuer can't be asked: try again.",
                why="keys unreachable",
            )
        raise unauthorized("The token was signed with a key the issuer lacks", why="unknown key")

    def refresh_if_due(self) -> None:
        """Fetch keys again in the background if they are old. Cheap: call it on every request."""
        now = self._monotonic()
        if now - self._fetched_at > REFRESH_S and now - self._tried_at > UNKNOWN_KID_PAUSE_S:
            self._start_fetch(now)

    async def metadata(self) -> Mapping[str, Any]:
        """Returns the discovery document; 503 if it can't be reached."""
        if self._metadata is None:
            try:
                self._metadata = await self._discover()
            except _FETCH_FAILURES as error:
                log.warning("discovery failed", problem=_brief(error))
                raise unavailable(
                    "The issuer can't be reached: try again.", why="issuer unreachable"
                ) from error
        return self._metadata

    async def endpoint(self, name: str) -> str:
        """Returns an address from the discovery document; 503 if it has none of this name."""
        url = (await self.metadata()).get(name)
        if not isinstance(url, str):
            log.warning("discovery incomplete", missing=name)
            raise unavailable(
                f"The issuer's discovery document has no {name}: nobody can log in through it.",
                why="discovery incomplete",
            )
        return url

    async def close(self) -> None:
        if self._fetching is not None:
            self._fetching.cancel()
            await asyncio.gather(self._fetching, return_exceptions=True)

    def _has_keys(self) -> bool:
        return bool(self._keys) and self._monotonic() - self._fetched_at < KEYS_LIVE_S

    async def _fetch(self, pause_s: float) -> None:
        """Wait for the current fetch, or for a new one if the last began at least `pause_s` ago."""
        if self._fetching is None or self._fetching.done():
            now = self._monotonic()
            if now - self._tried_at < pause_s:
                return
            self._start_fetch(now)
        assert self._fetching is not None
        await asyncio.shield(self._fetching)  # if one caller gives up, it goes on for the rest

    def _start_fetch(self, now: float) -> None:
        if self._fetching is None or self._fetching.done():
            self._tried_at = now
            self._fetching = asyncio.get_running_loop().create_task(self._load())

    async def _load(self) -> None:
        """Replace the keys; after any failure keep the old ones and log it."""
        try:
            url = self._settings.oidc_jwks_url
            if url is None:
                self._metadata = await self._discover()
                url = str(self._metadata["jwks_uri"])
            keys = signing_keys(await self._get(url))
        except _FETCH_FAILURES as error:
            self._has_failed = True
            log.warning("key fetch failed", problem=_brief(error), kept=len(self._keys))
            return
        if any(keys.get(kid) != key for kid, key in self._keys.items()):
            self.version += 1
        self._keys = keys
        self._fetched_at = self._monotonic()
        self._has_failed = False

    async def _discover(self) -> Mapping[str, Any]:
        issuer = self._settings.oidc_issuer
        document = await self._get(issuer.rstrip("/") + "/.well-known/openid-configuration")
        if document.get("issuer") != issuer:
            raise Unusable("the discovery document names another issuer")
        for name in (
            "jwks_uri",
            "authorization_endpoint",
            "token_endpoint",
            "end_session_endpoint",
        ):
            url = document.get(name)
            if url is not None and not self._settings.may_fetch(str(url)):
                raise Unusable(f"{name} in the discovery document is plain http")
        return document

    async def _get(self, url: str) -> dict[str, Any]:
        async with (
            asyncio.timeout(FETCH_TIMEOUT_S),
            self._client.stream("GET", url, headers={"Accept": "application/json"}) as answer,
        ):
            if answer.status_code != httpx.codes.OK:
                raise Unusable(f"status {answer.status_code} instead of 200")
            body = bytearray()
            async for part in answer.aiter_bytes():
                body += part
                if len(body) > MAX_DOCUMENT_BYTES:
                    raise Unusable("the response is too large")
        document = from_json(bytes(body))
        if not isinstance(document, dict):
            raise Unusable("the response is not a JSON object")
        return document


def signing_keys(key_set: Mapping[str, Any]) -> dict[str, SigningKey]:
    """Returns the keys of a JWK set that may sign tokens, by id.

    Other keys are left out; `Unusable` if none is left.
    """
    keys: dict[str, SigningKey] = {}
    entries = key_set.get("keys")
    for entry in entries if isinstance(entries, list) else []:
        kid = entry.get("kid") if isinstance(entry, dict) else None
        if isinstance(kid, str) and kid and (key := _signing_key(entry)) is not None:
            keys[kid] = key
    if not keys:
        raise Unusable("the key set has no usable RS256 or ES256 key")
    return keys


def _signing_key(entry: Mapping[str, Any]) -> SigningKey | None:
    algorithm = {"RSA": "RS256", "EC": "ES256"}.get(str(entry.get("kty")))
    if (
        algorithm is None
        or entry.get("alg", algorithm) != algorithm
        or entry.get("use", "sig") != "sig"
    ):
        return None
    try:
        material = PyJWK(dict(entry), algorithm).key
    except PyJWTError:
        return None
    match material:
        case RSAPublicKey() if material.key_size >= MIN_RSA_BITS:
            pass
        case EllipticCurvePublicKey() if material.curve.name == "secp256r1":
            pass
        case _:  # private keys too: a published one proves nothing
            return None
    public = [str(entry.get(number)) for number in ("n", "e", "x", "y")]
    return SigningKey(algorithm, material, " ".join(public))


def _brief(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"[:200]
