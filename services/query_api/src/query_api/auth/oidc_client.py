"""The API as a client of the issuer: it sends browsers there, and exchanges what they bring back.

Sources: RFC 6749 §4.1, RFC 7636 (PKCE), OpenID Connect RP-Initiated Logout 1.0.
"""

import ssl
import warnings
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import structlog

from query_api.auth.issuer import FETCH_TIMEOUT_S, Issuer
from query_api.auth.refusals import Refusal, unauthorized, unavailable
from query_api.auth.settings import AccessSettings

with warnings.catch_warnings():
    # Authlib announces a later move to another HTTP library each time it is imported, and its
    # own filter, which shows that always, is set by the import of this module.
    from authlib.deprecate import AuthlibDeprecationWarning  # type: ignore[import-untyped]

    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.base_client import OAuthError  # type: ignore[import-untyped]
    from authlib.integrations.httpx_client import (  # type: ignore[import-untyped]
        AsyncOAuth2Client,
    )

_TOKEN_FAILURES: Final = (httpx.HTTPError, TimeoutError, ValueError)

log: Final = structlog.stdlib.get_logger("obzvon.access")

Tokens = Mapping[str, Any]
"""The token endpoint's response: access_token, and perhaps id_token and refresh_token."""


class OidcClient:
    """The client that the issuer knows as OBZVON_OIDC_CLIENT_ID."""

    def __init__(self, settings: AccessSettings, issuer: Issuer, tls: ssl.SSLContext) -> None:
        assert settings.oidc_client_id is not None
        assert settings.public_url is not None  # the settings require both together
        self.client_id = settings.oidc_client_id
        self._settings = settings
        self._issuer = issuer
        self._tls = tls
        self._public_url = settings.public_url

    async def authorization_url(self, *, state: str, nonce: str, verifier: str) -> str:
        """Returns where the browser logs in; 503 if the issuer can't be reached."""
        authorization = await self._issuer.endpoint("authorization_endpoint")
        # Also needed when the browser returns: if it is missing, that is better reported now.
        await self._issuer.endpoint("token_endpoint")
        async with self._session() as session:
            url, _ = session.create_authorization_url(
                authorization,
                state=state,
                nonce=nonce,
                code_verifier=verifier,
            )
        return str(url)

    async def exchange_code(self, code: str, *, verifier: str) -> Tokens:
        """Returns the tokens of a code; 401 if the issuer refuses it, 503 if it is away."""
        endpoint = await self._issuer.endpoint("token_endpoint")
        try:
            async with self._session() as session:
                tokens: Tokens = await session.fetch_token(
                    endpoint,
                    grant_type="authorization_code",
                    code=code,
                    code_verifier=verifier,
                )
        except OAuthError as error:
            raise unauthorized(
                "The issuer did not take the code", why="login refused", error=None
            ) from error
        except _TOKEN_FAILURES as error:
            raise _unreachable() from error
        return tokens

    async def refresh(self, refresh_token: str) -> Tokens | None:
        """Returns new tokens; None if the issuer refuses, 503 if it is away."""
        endpoint = await self._issuer.endpoint("token_endpoint")
        try:
            async with self._session() as session:
                tokens: Tokens = await session.refresh_token(endpoint, refresh_token=refresh_token)
        except OAuthError as error:
            log.info("session not renewed", problem=str(error.error)[:80])
            return None
        except _TOKEN_FAILURES as error:
            log.warning("token endpoint failed", problem=type(error).__name__)
            raise _unreachable() from error
        return tokens

    async def logout_url(self) -> str | None:
        """Returns where the issuer ends its own session; None if it offers that nowhere."""
        try:
            ends_at = (await self._issuer.metadata()).get("end_session_endpoint")
        except Refusal:
            return None  # the issuer is away; the session here has ended all the same
        if not ends_at:
            return None
        query = urlencode(
            {
                "client_id": self.client_id,
                "post_logout_redirect_uri": f"{self._public_url}/",
            }
        )
        return f"{ends_at}{'&' if '?' in ends_at else '?'}{query}"

    def _session(self) -> Any:
        """Returns Authlib's client. Each use needs its own: it holds the tokens it fetched."""
        settings = self._settings
        return AsyncOAuth2Client(
            client_id=self.client_id,
            client_secret=(
                settings.oidc_client_secret.get_secret_value()
                if settings.oidc_client_secret
                else None
            ),
            scope=settings.oidc_scope,
            redirect_uri=f"{self._public_url}/login/callback",
            code_challenge_method="S256",
            verify=self._tls,
            timeout=FETCH_TIMEOUT_S,
            trust_env=settings.trusts_proxy_variables,
        )


def _unreachable() -> Refusal:
    return unavailable("The issuer can't be reached: try again.", why="issuer unreachable")
