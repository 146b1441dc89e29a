"""Debian's Chromium, driven by Playwright, and what a person may see and do in it."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright

FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Nothing but what a page asks for goes over the network."""


def chromium() -> str:
    """The path of the browser; the run fails without one, since nothing else tries the pages."""
    path = os.environ.get("OBZVON_CHROMIUM") or shutil.which("chromium")
    assert path, "Chromium is missing: run `make chromium`, or name one in OBZVON_CHROMIUM"
    return path


@asynccontextmanager
async def running_browser() -> AsyncIterator[Browser]:
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium(), args=flags)
        try:
            yield browser
        finally:
            await browser.close()


@dataclass
class Person:
    """A browser with a profile of its own, and all that went wrong in it."""

    context: BrowserContext
    origins: frozenset[str]
    """The only ones that may be asked for anything."""
    complaints: list[str] = field(default_factory=list)

    async def open_tab(self, url: str) -> Page:
        page = await self.context.new_page()
        await page.goto(url)
        return page

    def _listen(self, page: Page) -> None:
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(f"error: {error}"))

    def _hear(self, message: ConsoleMessage) -> None:
        self.complaints.append(f"console {message.type}: {message.text}")

    def _note_request(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme != "data" and f"{parts.scheme}://{parts.netloc}" not in self.origins:
            self.complaints.append(f"request to {url}")


@asynccontextmanager
async def person(
    browser: Browser, *origins: str, width: int = 1280, height: int = 800, scheme: str = "light"
) -> AsyncIterator[Person]:
    """Somebody at a browser that knows nothing of others.

    Fails at the end if the browser has complained: about the policy, too, which it says there.
    """
    context = await browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="ru-RU",
        timezone_id="Asia/Vladivostok",  # not the report's: what is shown must not depend on it
    )
    someone = Person(context, frozenset(origins))
    context.on("page", someone._listen)
    context.on("request", lambda request: someone._note_request(request.url))
    try:
        yield someone
        await asyncio.sleep(0)  # what has come already is heard
        assert not someone.complaints, "\n".join(someone.complaints)
    finally:
        await context.close()
