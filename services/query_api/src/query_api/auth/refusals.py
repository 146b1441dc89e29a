"""Refusals, as exceptions; `http.problems` turns them into responses."""

from collections.abc import Mapping

from starlette.exceptions import HTTPException


class Refusal(HTTPException):
    """A request is refused.

    It is an HTTPException, so that an app without our handler still answers with the right status.

    `detail` is for the caller and says what to do; `why` is a few words for the audit log and the
    metrics. Neither ever contains a token, a key or anything the caller sent.
    """

    def __init__(
        self, status: int, detail: str, *, why: str, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(status, detail, dict(headers or {}))
        self.why = why


def unauthorized(detail: str, *, why: str, error: str | None = "invalid_token") -> Refusal:
    """Returns a 401 with a challenge (RFC 6750 §3); `error` is None if no credential came."""
    challenge = 'Bearer realm="obzvon"'
    if error is not None:
        challenge += f', error="{error}", error_description="{detail}"'
    return Refusal(401, detail, why=why, headers={"WWW-Authenticate": challenge})


def forbidden(detail: str, *, why: str) -> Refusal:
    return Refusal(403, detail, why=why)


def unavailable(detail: str, *, why: str, retry_after: int = 5) -> Refusal:
    """Returns a 503: whether the caller may read can't be known now, so nothing is shown."""
    return Refusal(503, detail, why=why, headers={"Retry-After": str(retry_after)})
