"""Cookies: HttpOnly, of this host alone, and Secure if the API is reached over https."""

from typing import Final, Literal

from starlette.responses import Response

from query_api.auth.settings import AccessSettings

MAX_AGE_S: Final = 400 * 24 * 3600
"""Browsers keep no cookie longer than this."""


def set_cookie(
    response: Response,
    settings: AccessSettings,
    name: str,
    value: str,
    *,
    seconds: float,
    same_site: Literal["lax", "strict"],
) -> None:
    response.set_cookie(
        name,
        value,
        max_age=max(1, min(int(seconds), MAX_AGE_S)),
        path="/",
        secure=settings.is_https,
        httponly=True,
        samesite=same_site,
    )


def drop_cookie(response: Response, settings: AccessSettings, name: str) -> None:
    response.delete_cookie(name, path="/", secure=settings.is_https, httponly=True, samesite="lax")
