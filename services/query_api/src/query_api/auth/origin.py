"""The page a request comes from: a write that carries a cookie must come from our own."""

from collections.abc import Mapping
from typing import Any, Final

from query_api.auth.refusals import forbidden
from query_api.auth.settings import AccessSettings, origin_of

SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
"""Methods that write nothing, and so may come from any page."""


def require_same_origin(
    scope: Mapping[str, Any], settings: AccessSettings, *, may_be_silent: bool = False
) -> None:
    """Raise a 403 for a write that another site's page sends in its visitor's name.

    A browser sends the page's origin with every such request. A request without one must at least
    say that it is same-origin, unless `may_be_silent`, which is for requests that carry their own
    credential.
    """
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    if origin is not None:
        is_ours = origin.decode("latin-1") == own_origin(scope, settings)
    else:
        site = headers.get(b"sec-fetch-site")
        is_ours = site == b"same-origin" or (site is None and may_be_silent)
    if not is_ours:
        raise forbidden("This must come from a page of this API itself.", why="foreign origin")


def own_origin(scope: Mapping[str, Any], settings: AccessSettings) -> str:
    """Returns the origin at which browsers reach this API."""
    if settings.public_url is not None:
        return settings.public_url
    host = next((value for name, value in scope["headers"] if name == b"host"), b"")
    return origin_of(f"{scope.get('scheme', 'http')}://{host.decode('latin-1')}")
