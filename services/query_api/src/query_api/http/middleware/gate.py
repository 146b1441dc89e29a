"""The gate before every route: it identifies the caller, or refuses the request."""

from collections.abc import Iterable
from http import HTTPStatus
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from query_api.auth import audit
from query_api.auth.access import Access
from query_api.auth.caller import Caller
from query_api.auth.guard import admit, check_report
from query_api.auth.origin import SAFE_METHODS, require_same_origin
from query_api.auth.rates import Rate
from query_api.auth.refusals import Refusal, forbidden
from query_api.http.problems import refusal_problem

OPEN_PATHS: Final = frozenset(
    {"/livez", "/readyz", "/metrics", "/openapi.json", "/docs", "/logout"}
)
"""The only paths that need no caller. Every other one is closed, whether it exists or not."""

OPEN_PREFIXES: Final = ("/docs/",)
"""The files of the documentation page need no caller either."""

COUNTED_OPEN_PATHS: Final = frozenset({"/login", "/login/callback", "/api/v1/wallboard/session"})
"""Open too, but counted per network address: they check a credential of their own."""


class OpenPaths:
    """The paths that need no caller."""

    def __init__(self, paths: Iterable[str], prefixes: tuple[str, ...]) -> None:
        self._paths = frozenset(paths)
        self._prefixes = prefixes

    def __contains__(self, path: str) -> bool:
        return path in self._paths or path.startswith(self._prefixes)


class GateMiddleware:
    """Identifies the caller of every request and refuses whoever may not read.

    Requests are refused by default: only the open paths pass without a caller.
    """

    def __init__(self, app: ASGIApp, *, access: Access, open_paths: OpenPaths) -> None:
        self._app = app
        self._access = access
        self._open_paths = open_paths
        self._per_caller = Rate(access.settings.rate_limit, clock=access.now)
        self._per_address = Rate(access.settings.rate_limit_unknown, clock=access.now)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        path = scope["path"].removeprefix(scope.get("root_path", ""))
        caller: Caller | None = None
        try:
            if scope["type"] != "http":
                raise forbidden("Nothing is served over WebSockets.", why="websocket")
            if path in COUNTED_OPEN_PATHS:
                self._per_address.hit(_peer(scope))
            elif path not in self._open_paths:
                caller = await self._identify(scope)
                if caller.handle and scope["method"] not in SAFE_METHODS:
                    require_same_origin(scope, self._access.settings)
                self._per_caller.hit(caller.rate_key)
                check_report(caller)
                admit(scope, caller)
                if caller.kind == "key":
                    audit.log_key_use(scope, caller)
        except Refusal as refusal:
            audit.log_refusal(scope, refusal, caller)
            await refusal_problem(refusal)(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _identify(self, scope: Scope) -> Caller:
        """Returns the caller; a refusal here counts against the network address it came from."""
        peer = _peer(scope)
        try:
            credential = self._access.credential(scope["headers"])
            if credential is None:
                return check_report(None)
            known = self._access.remembered(credential)
            if known is not None:
                return known
            self._per_address.check(peer)
            return await self._access.verify(credential)
        except Refusal as refusal:
            if refusal.status_code == HTTPStatus.UNAUTHORIZED:
                self._per_address.hit(peer)
            raise


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return f"peer:{client[0]}" if client else "peer:"
