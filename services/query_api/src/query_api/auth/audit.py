"""The audit log: one structured line per refusal and per use of a key.

It says who, what, when and why; never a token, a key, a query string or anything about a client.
"""

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

import structlog
from prometheus_client import Counter

from query_api.auth.caller import Caller
from query_api.auth.refusals import Refusal
from query_api.request_labels import KNOWN_METHODS, KnownPaths

REFUSALS_TOTAL: Final = Counter(
    "obzvon_access_refusals_total", "Requests that were refused", ("status", "why")
)
KEY_USES_TOTAL: Final = Counter(
    "obzvon_access_key_uses_total", "Requests made with a wallboard key"
)

log: Final = structlog.stdlib.get_logger("obzvon.audit")


def describe_request(scope: Mapping[str, Any]) -> str:
    """Returns method and path of a request, without the query, which may contain a client's name.

    A path that the app does not have could contain anything, so it is not written down.
    """
    method = scope.get("method", "")
    path = scope.get("path", "")
    known = _has_path(scope.get("app"), path)
    return f"{method if method in KNOWN_METHODS else 'OTHER'} {path if known else '(unknown path)'}"


def _has_path(app: Any, path: str) -> bool:
    if app is None:
        return False
    known: KnownPaths | None = getattr(app.state, "known_paths", None)
    if known is None:
        known = app.state.known_paths = KnownPaths(app)
    return path in known


def log_refusal(scope: Mapping[str, Any], refusal: Refusal, caller: Caller | None = None) -> None:
    REFUSALS_TOTAL.labels(str(refusal.status_code), refusal.why).inc()
    facts = _facts(scope, caller)
    if refusal.__cause__ is not None:
        facts["cause"] = type(refusal.__cause__).__name__
    log.warning("refused", status=refusal.status_code, why=refusal.why, **facts)


def log_key_use(scope: Mapping[str, Any], caller: Caller) -> None:
    KEY_USES_TOTAL.inc()
    log.info("key used", **_facts(scope, caller))


def log_export(scope: Mapping[str, Any], caller: Caller, filters: Iterable[str], rows: int) -> None:
    """Log that rows were exported: the names of the filters, never their values."""
    log.info("rows exported", filters=",".join(sorted(filters)), rows=rows, **_facts(scope, caller))


def log_event(event: str, **facts: str | float | None) -> None:
    """Log another event of access: a login, a logout, a key that was created or revoked."""
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
