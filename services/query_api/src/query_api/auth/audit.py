"""The audit log: one structured line per refusal and per use of a key.

Who, what, when and why; never a token, a key, a query string or anything of a delivery client.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from fastapi.routing import iter_route_contexts
from prometheus_client import Counter

from query_api.auth.caller import Caller
from query_api.auth.refusals import Refused

REFUSALS_TOTAL: Final = Counter(
    "obzvon_access_refusals_total", "Requests that were refused", ("status", "why")
)
KEY_USES_TOTAL: Final = Counter(
    "obzvon_access_key_uses_total", "Requests made with a wallboard key"
)

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

log: Final = structlog.stdlib.get_logger("obzvon.audit")


def describe_request(scope: Mapping[str, Any]) -> str:
    """Method and path of a request, without the query: that may hold a client's name.

    A path that the app does not know could hold anything, so it is not written down.
    """
    method = scope.get("method", "")
    app = scope.get("app")
    path = scope.get("path", "")
    known = path in _known_paths(app)
    return f"{method if method in _METHODS else 'OTHER'} {path if known else '(unknown path)'}"


def _known_paths(app: Any) -> frozenset[str]:
    """The literal paths of the app's routes, collected when first asked for."""
    if app is None:
        return frozenset()
    known: frozenset[str] | None = getattr(app.state, "audit_paths", None)
    if known is None:
        known = frozenset(
            path
            for route in iter_route_contexts(app.routes)
            if (path := route.path) is not None and "{" not in path
        )
        app.state.audit_paths = known
    return known


def log_refusal(scope: Mapping[str, Any], refusal: Refused, caller: Caller | None = None) -> None:
    REFUSALS_TOTAL.labels(str(refusal.status_code), refusal.why).inc()
    facts = _facts(scope, caller)
    if refusal.__cause__ is not None:
        facts["cause"] = type(refusal.__cause__).__name__
    log.warning("refused", status=refusal.status_code, why=refusal.why, **facts)


def log_key_use(scope: Mapping[str, Any], caller: Caller) -> None:
    KEY_USES_TOTAL.inc()
    log.info("key used", **_facts(scope, caller))


def log_event(event: str, **facts: str | float | None) -> None:
    """Something else worth keeping: a login, a logout, a key made or revoked."""
    log.info(event, at=_now(), **facts)


def _facts(scope: Mapping[str, Any], caller: Caller | None) -> dict[str, str]:
    peer = scope.get("client")
    facts = {
        "who": "unknown" if caller is None else f"{caller.kind}:{caller.subject}",
        "what": describe_request(scope),
        "at": _now(),
    }
    if caller is not None:
        facts["name"] = caller.name
    if peer:
        facts["peer"] = str(peer[0])
    return facts


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="milliseconds")
