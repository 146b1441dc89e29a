"""Who is asking, and what they may see."""

from dataclasses import dataclass
from typing import Final, Literal

HEAD: Final = "head"
"""Руководитель. This is the API's name of the role; the name in tokens is a setting."""

QUALITY_CONTROL: Final = "quality_control"
"""Контроль качества."""

WALLBOARD: Final = "wallboard"
"""The role of a wallboard key. No token can give it."""

READERS: Final = frozenset({HEAD, QUALITY_CONTROL})
"""The roles that read the report and the rows behind it."""

CallerKind = Literal["token", "session", "key"]


@dataclass(frozen=True, slots=True)
class Restriction:
    """The part of the report a caller sees; if both are set, both must match.

    None does not restrict. An empty set shows nothing. As in the report, the id "" means
    contacts without an operator or manager.
    """

    operators: frozenset[str] | None = None
    managers: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Somebody whose right to read has been checked."""

    subject: str
    """`sub` of a token or session; id of a wallboard key."""
    name: str
    """For the audit log: the user's login name, or the name of the key."""
    kind: CallerKind
    roles: frozenset[str]
    expires_at: float
    """Unix time, always real: from then on the credential is refused, or its rights renewed."""
    ends_at: float
    """Unix time at which the token, session or key itself ends, if nobody ends it before."""
    restriction: Restriction | None = None
    may_read_rows: bool = True
    """False for wallboards: aggregates only; no clients, addresses or comments."""
    is_service: bool = False
    """Whether a program got the token for itself (client credentials), rather than for a person."""
    handle: str = ""
    """The key of the cookie's session in the store; nobody can log in with it. "" without a cookie."""

    @property
    def may_read_report(self) -> bool:
        return bool(self.roles & READERS) or WALLBOARD in self.roles

    @property
    def rate_key(self) -> str:
        """One per person or wallboard, however many tokens or sessions they hold."""
        return f"{'key' if self.kind == 'key' else 'user'}:{self.subject}"
