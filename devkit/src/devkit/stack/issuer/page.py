"""The development issuer's login page."""

from collections.abc import Mapping
from html import escape

from devkit.stack.issuer.people import ACCOUNTS, Account

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; img-src data:; style-src 'unsafe-inline'; base-uri 'none'; "
    "frame-ancestors 'none'"
)

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.4 system-ui, sans-serif }
body { max-width: 26rem; margin: 12vh auto 2rem; padding: 0 1rem }
h1 { margin: 0; font-size: 1.5rem }
p { margin: .25rem 0 1.25rem; opacity: .75 }
button { display: block; width: 100%; margin: .6rem 0; padding: .8rem 1rem; text-align: left;
  font: inherit; color: inherit; cursor: pointer; border-radius: .6rem;
  border: 1px solid color-mix(in srgb, currentColor 25%, transparent);
  background: color-mix(in srgb, currentColor 5%, transparent) }
button:hover { background: color-mix(in srgb, currentColor 12%, transparent) }
button:focus-visible { outline: 3px solid #2f7de1; outline-offset: 2px }
b, span { display: block }
span { font-size: .9rem; opacity: .75 }
"""


def login_page(query: Mapping[str, str]) -> str:
    """Returns the page that asks who logs in; its form repeats the authorization request.

    The first person has the focus, Tab goes to the next, Enter logs in.
    """
    fields = "".join(
        f'<input type="hidden" name="{escape(name)}" value="{escape(value)}">'
        for name, value in query.items()
    )
    buttons = "".join(
        _button(key, account, has_focus=place == 0)
        for place, (key, account) in enumerate(ACCOUNTS.items())
    )
    return (
        '<!doctype html><html lang="ru"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        # An icon of its own, so that the browser does not ask for /favicon.ico.
        '<title>Вход · Обзвон (разработка)</title><link rel="icon" href="data:,">'
        f"<style>{_STYLE}</style></head><body><main><h1>Кто входит?</h1>"
        "<p>Вход для разработки: пароля нет, люди вымышлены.</p>"
        f'<form method="post" action="/authorize">{fields}{buttons}</form>'
        "</main></body></html>"
    )


def _button(key: str, account: Account, *, has_focus: bool) -> str:
    name = account.person.name or ""
    return (
        f'<button name="person" value="{escape(key)}"{" autofocus" if has_focus else ""}>'
        f"<b>{escape(account.title)}</b>"
        f"<span>{escape(name)} · {escape(account.rights)}</span></button>"
    )
