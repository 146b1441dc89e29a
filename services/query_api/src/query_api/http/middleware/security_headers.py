"""The headers by which browsers defend themselves."""

from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from query_api.auth.settings import AccessSettings, origin_of

CONTENT_SECURITY_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'{issuer}; frame-ancestors 'none'"
)
"""Everything from this origin, nothing inline but styles. A route may send a stricter policy."""

PAGE_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'self'{issuer}; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
"""For the HTML of our pages: no inline style either, and no script from a string of text."""

BUILD: Final = b"obzvon-build"
"""By it a page notices that the API serves a newer build; refusals have it too."""

_HSTS: Final = (b"strict-transport-security", b"max-age=31536000")


def page_policy(settings: AccessSettings) -> str:
    """Returns the policy of the pages; logging out may lead a form's answer to the issuer."""
    return PAGE_POLICY.format(issuer=_issuer_of(settings))


def _issuer_of(settings: AccessSettings) -> str:
    return f" {origin_of(settings.oidc_issuer)}" if settings.oidc_client_id else ""


class SecurityHeadersMiddleware:
    """Adds the headers by which browsers defend themselves; a route may set its own policy."""

    def __init__(self, app: ASGIApp, *, settings: AccessSettings, build: str | None = None) -> None:
        """`build` is the page's; in a middleware of its own it would cost each request more."""
        self._app = app
        self._policy = CONTENT_SECURITY_POLICY.format(issuer=_issuer_of(settings)).encode()
        self._headers = [
            (b"x-content-type-options", b"nosniff"),
            (b"referrer-policy", b"no-referrer"),
            (b"cross-origin-opener-policy", b"same-origin"),
            (b"cross-origin-resource-policy", b"same-origin"),
            (b"permissions-policy", b"camera=(), microphone=(), geolocation=()"),
        ]
        if build is not None:
            self._headers.append((BUILD, build.encode("ascii")))
        self._is_https = settings.is_https

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_https = self._is_https or scope.get("scheme") == "https"

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = message.setdefault("headers", [])
                if not any(name == b"content-security-policy" for name, _ in headers):
                    headers.append((b"content-security-policy", self._policy))
                headers += self._headers
                if is_https:
                    headers.append(_HSTS)
            await send(message)

        await self._app(scope, receive, with_headers)
