"""A browser that logs in at the issuer."""

from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from support.guarded_app import GuardedApp

COOKIE = "obzvon_session"


async def at_the_issuer(api: GuardedApp, path: str = "/login") -> str:
    """Start a login; returns the address to which the issuer sends the browser back."""
    begun = await api.client.get(path)
    assert begun.status_code == 303, begun.text
    async with httpx.AsyncClient(trust_env=False, verify=False) as browser:
        approved = await browser.get(begun.headers["location"])
    return str(approved.headers["location"])


async def log_in(api: GuardedApp, path: str = "/login") -> httpx.Response:
    return await api.client.get(await at_the_issuer(api, path))


async def logged_in(api: GuardedApp) -> None:
    answer = await log_in(api)
    assert answer.status_code == 303, answer.text


def with_query(url: str, **changes: str | None) -> str:
    parts = urlsplit(url)
    query = {name: values[0] for name, values in parse_qs(parts.query).items()} | changes
    return parts._replace(
        query=urlencode({name: value for name, value in query.items() if value is not None})
    ).geturl()
