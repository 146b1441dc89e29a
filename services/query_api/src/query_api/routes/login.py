"""/login, /login/callback and /logout: the browser's login."""

import html
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from query_api.auth import audit
from query_api.auth.access import Access
from query_api.auth.cookies import drop_cookie, set_cookie
from query_api.auth.login import Login
from query_api.auth.origin import require_same_origin
from query_api.auth.refusals import Refusal
from query_api.auth.store import PENDING_LOGIN_S

_EXPLANATIONS: Final = {
    401: "Вход не удался или начат слишком давно.",
    403: "У этой учётной записи нет роли «Руководитель» или «Контроль качества».",
    503: "Сейчас войти нельзя: служба входа не отвечает.",
}

_STYLE: Final = (
    ":root{color-scheme:light dark;font:16px/1.45 system-ui,'Segoe UI',Roboto,sans-serif}"
    "main{max-width:34rem;margin:14vh auto 0;padding:0 1rem;text-align:center}"
    "h1{font-size:1.375rem}a{display:inline-block;margin-top:1rem;padding:.65rem 1.6rem;"
    "border-radius:.5rem;background:#0b5cb0;color:#fff;font-weight:600;text-decoration:none}"
)


def login_router(access: Access) -> APIRouter:
    """Returns the routes of the login; only for an API whose settings switch it on."""
    endpoints = _LoginEndpoints(access)
    router = APIRouter(include_in_schema=False)
    router.add_api_route("/login", endpoints.start, methods=["GET"], response_model=None)
    router.add_api_route("/login/callback", endpoints.finish, methods=["GET"], response_model=None)
    router.add_api_route("/logout", endpoints.logout, methods=["POST"], response_model=None)
    return router


class _LoginEndpoints:
    def __init__(self, access: Access) -> None:
        assert access.oidc_client is not None
        self._access = access
        self._settings = access.settings
        self._client = access.oidc_client
        self._login = Login(access)
        self._pending_cookie = f"{'__Host-' if access.settings.is_https else ''}obzvon_login"

    async def start(self, next: str | None = None) -> Response:  # noqa: A002 - the parameter's name in the address
        """Send the browser to the issuer."""
        url, browser = await self._login.start(next)
        response = _redirect(url)
        set_cookie(
            response,
            self._settings,
            self._pending_cookie,
            browser,
            seconds=PENDING_LOGIN_S,
            same_site="lax",
        )
        return response

    async def finish(self, request: Request) -> Response:
        """Take the issuer's answer and open a session, or show why there is none."""
        browser = request.cookies.get(self._pending_cookie, "")
        try:
            login = await self._login.finish(request.query_params, browser)
        except Refusal as refusal:
            audit.log_refusal(request.scope, refusal)
            failure = _failure_page(refusal)
            drop_cookie(failure, self._settings, self._pending_cookie)
            return failure
        old = request.cookies.get(self._access.session_cookie)
        cookie, session = await self._login.open_session(login, replacing=old)
        response = _redirect(login.next)
        drop_cookie(response, self._settings, self._pending_cookie)
        set_cookie(
            response,
            self._settings,
            self._access.session_cookie,
            cookie,
            seconds=session.ends_at - self._access.now(),
            same_site="lax",
        )
        return response

    async def logout(self, request: Request) -> Response:
        """End the session here and, if the issuer offers it, there."""
        require_same_origin(request.scope, self._settings)
        names = (self._access.session_cookie, self._access.wallboard_cookie)
        for name in names:
            if cookie := request.cookies.get(name):
                await self._login.end_session(cookie)
        issuers_logout = await self._client.logout_url()
        was_logged_in = bool(request.cookies.get(self._access.session_cookie))
        response = _redirect(issuers_logout if issuers_logout and was_logged_in else "/")
        for name in names:
            drop_cookie(response, self._settings, name)
        return response


def _redirect(target: str) -> Response:
    return RedirectResponse(target, status_code=303, headers={"Cache-Control": "no-store"})


def _failure_page(refusal: Refusal) -> Response:
    text = _EXPLANATIONS.get(refusal.status_code, "Вход не удался.")
    return HTMLResponse(
        '<!doctype html><html lang="ru"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # An icon of its own, so that the browser does not ask for /favicon.ico.
        '<title>Вход · Обзвон</title><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style></head><body><main><h1>Войти не получилось</h1>"
        f'<p>{html.escape(text)}</p><p><a href="/login">Войти под другой учётной записью</a></p>'
        "</main></body></html>",
        status_code=refusal.status_code,
        headers={"Cache-Control": "no-store", **(refusal.headers or {})},
    )
