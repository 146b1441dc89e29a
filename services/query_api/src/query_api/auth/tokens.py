"""Bearer tokens: which are access tokens for this API, and whom they represent.

Sources: RFC 7519 (JWT), RFC 8725 (best practices), RFC 9068 (at+jwt), OpenID Connect Core §2.
"""

from collections.abc import Mapping
from typing import Any, Final

import jwt

from query_api.auth.caller import HEAD, QUALITY_CONTROL, Caller, Restriction
from query_api.auth.issuer import ALGORITHMS, Issuer
from query_api.auth.refusals import Refusal, forbidden, unauthorized
from query_api.auth.settings import AccessSettings

LEEWAY_S: Final = 60
"""Seconds by which the issuer's clock and ours may differ, for exp, nbf and iat."""

MAX_TOKEN_BYTES: Final = 16 * 1024
"""A longer token is refused unread. One of Keycloak's with a hundred roles has about 5 KB."""

_MAX_KID: Final = 256
_ID_TOKEN_MARKS: Final = frozenset({"nonce", "at_hash", "c_hash", "s_hash"})
_HASH_MARKS: Final = _ID_TOKEN_MARKS - {"nonce"}


class TokenReader:
    """Turns bearer tokens into callers, or refuses them."""

    def __init__(self, settings: AccessSettings, issuer: Issuer) -> None:
        self._settings = settings
        self._issuer = issuer
        self._roles = {
            settings.oidc_role_head: HEAD,
            settings.oidc_role_quality_control: QUALITY_CONTROL,
        }

    async def caller(self, token: str) -> Caller:
        """Returns whom the token represents; 401 if it is bad, 503 if that can't be known now."""
        settings = self._settings
        claims, header = await self.verified(token, audience=settings.oidc_audience)
        if not is_access_token(header, claims, untyped_too=settings.oidc_untyped_tokens):
            raise unauthorized("This is not an access token", why="not an access token")
        return self.caller_from(claims)

    async def verified(
        self, token: str, *, audience: str
    ) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
        """Returns (claims, header) of a token whose signature, issuer, audience and times are right."""
        if len(token) > MAX_TOKEN_BYTES:
            raise unauthorized("The token is too large", why="token too large")
        try:
            header = jwt.get_unverified_header(token)
            key = await self._issuer.key(_key_id(header))
            if header["alg"] != key.algorithm:
                raise unauthorized("The key is for another algorithm", why="wrong algorithm")
            claims = jwt.decode(
                token,
                key.material,
                algorithms=[key.algorithm],
                audience=audience,
                issuer=self._settings.oidc_issuer,
                leeway=LEEWAY_S,
                options={"require": ["exp", "iat", "iss", "aud", "sub"]},
            )
        except Refusal:
            raise
        except jwt.PyJWTError as error:
            raise _refusal(error) from error
        except (ValueError, TypeError, OverflowError, RecursionError) as error:
            # Whatever the JSON of a header does to its parser must not become a 500.
            raise unauthorized("The token can't be read", why="malformed token") from error
        return claims, header

    def caller_from(self, claims: Mapping[str, Any]) -> Caller:
        settings = self._settings
        named = _strings(_claim(claims, settings.oidc_roles_claim)) or ()
        operators = _ids(claims, settings.oidc_operators_claim)
        managers = _ids(claims, settings.oidc_managers_claim)
        subject = str(claims["sub"])
        if not _is_text(subject):
            raise unauthorized("The token can't be read", why="malformed token")
        name = str(claims.get("preferred_username") or subject)[:128]
        ends_at = _seconds(claims["exp"])
        return Caller(
            subject=subject,
            name=name.encode(errors="replace").decode(),
            kind="token",
            roles=frozenset(self._roles[role] for role in named if role in self._roles),
            expires_at=ends_at + LEEWAY_S,
            ends_at=ends_at,
            is_service=is_service_account(claims),
            restriction=(
                None
                if operators is None and managers is None
                else Restriction(operators=operators, managers=managers)
            ),
        )


def is_access_token(
    header: Mapping[str, Any], claims: Mapping[str, Any], *, untyped_too: bool
) -> bool:
    """Whether a verified token was made for calling an API.

    It must say so: header `typ` is `at+jwt` (RFC 9068), or claim `typ` is `Bearer` (Keycloak,
    whose ID and refresh tokens say `ID` and `Refresh`). A token with a hash of another token,
    which only ID tokens have, never is. Keycloak before 25 copies the login's nonce into access
    tokens, so a nonce alone does not refuse a token that says what it is.
    """
    typ = str(header.get("typ", "")).lower().removeprefix("application/")
    if _HASH_MARKS & claims.keys():
        return False
    if typ == "at+jwt":
        return True
    if typ not in ("", "jwt"):
        return False
    if "typ" in claims:
        return bool(claims["typ"] == "Bearer")
    return untyped_too and not _ID_TOKEN_MARKS & claims.keys()


def is_service_account(claims: Mapping[str, Any]) -> bool:
    """Whether a program asked for the token with its own credentials.

    Then the subject is the client itself (RFC 9068 §2.2); Keycloak makes an account for it instead,
    which it names after the client.
    """
    client = claims.get("client_id") or claims.get("azp")
    if not isinstance(client, str):
        return False
    account = f"service-account-{client}".lower()
    return claims.get("sub") == client or claims.get("preferred_username") == account


def _key_id(header: Mapping[str, Any]) -> str:
    if header.get("alg") not in ALGORITHMS:
        raise unauthorized("Tokens must be signed with RS256 or ES256", why="wrong algorithm")
    if "crit" in header or "b64" in header:
        raise unauthorized("The token asks for an extension", why="malformed token")
    kid = header.get("kid")
    if not isinstance(kid, str) or not 0 < len(kid) <= _MAX_KID:
        raise unauthorized("The token does not name its key (kid)", why="no key id")
    return kid


def _refusal(error: jwt.PyJWTError) -> Refusal:
    match error:
        case jwt.ExpiredSignatureError():
            return unauthorized("The token has expired: get a new one", why="expired")
        case jwt.ImmatureSignatureError():
            return unauthorized("The token is not valid yet", why="not yet valid")
        case jwt.InvalidAudienceError():
            return unauthorized("The token is for another audience", why="wrong audience")
        case jwt.InvalidIssuerError():
            return unauthorized("The token is from another issuer", why="wrong issuer")
        case jwt.MissingRequiredClaimError():
            return unauthorized("The token lacks a claim it must have", why="missing claim")
        case jwt.InvalidSignatureError():
            return unauthorized("The token's signature is wrong", why="bad signature")
        case _:
            return unauthorized("The token can't be read", why="malformed token")


def _claim(claims: Mapping[str, Any], path: str, *, astray: Any = None) -> Any:
    """Returns a claim by its name, otherwise by its path; a name may contain dots (https://…/roles).

    None if there is none; `astray` if the path leads through something that is not an object.
    """
    if not path:
        return None
    if path in claims:
        return claims[path]
    value: Any = claims
    for name in path.split("."):
        if value is None:
            return None
        if not isinstance(value, Mapping):
            return astray
        value = value.get(name)
    return value


def _seconds(exp: Any) -> float:
    """Returns when a token ends; PyJWT accepts whole numbers of any size."""
    try:
        return float(exp)
    except OverflowError:
        raise unauthorized("The token can't be read", why="malformed token") from None


def _strings(value: Any) -> tuple[str, ...] | None:
    """Returns the strings of a list, or a single one; None if the value is neither."""
    items = [value] if isinstance(value, str) else value
    if isinstance(items, list) and all(isinstance(item, str) and _is_text(item) for item in items):
        return tuple(items)
    return None


def _is_text(value: str) -> bool:
    """False if it contains half of a surrogate pair: JSON can escape one, nothing can encode it."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _ids(claims: Mapping[str, Any], path: str) -> frozenset[str] | None:
    """Returns the ids a claim restricts to; None if there is no such claim.

    403 if there is one that can't be understood: it was meant to restrict.
    """
    value = _claim(claims, path, astray=False)
    if value is None:
        return None
    ids = _strings(value)
    if ids is None:
        raise forbidden(
            f"The claim {path} must be a list of ids: ask whoever runs the issuer to fix it.",
            why="bad restriction",
        )
    return frozenset(ids)
