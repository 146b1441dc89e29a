"""The files of the built pages, read once, in each coding that a browser may ask for."""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.resources.abc import Traversable
from typing import Final

from query_api.http.content_coding import IDENTITY, compressed

_TYPES: Final = {
    "css": "text/css; charset=utf-8",
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "svg": "image/svg+xml",
    "woff2": "font/woff2",
}
"""The end of a file's name → its media type. No other files are served."""

_ENDINGS: Final = {"br": ".br", "gzip": ".gz"}

_PLACEHOLDER: Final = b'data-cookie="unknown"'
"""In a page's HTML: whether the browser has brought a cookie, which a script can't see."""


@dataclass(frozen=True, slots=True)
class PageFile:
    """A file's bytes, as they are and compressed."""

    media_type: str
    contents: Mapping[str, bytes]
    """Content coding → bytes; `identity` is always there."""
    tag: str
    """Changes with the content."""

    def best(self, coding: str) -> tuple[str, bytes]:
        """Returns the coding to answer in, and the bytes: as they are if that is no longer."""
        if coding in self.contents:
            return coding, self.contents[coding]
        return IDENTITY, self.contents[IDENTITY]

    def etag(self, coding: str) -> str:
        return f'"{self.tag}-{coding}"'


@dataclass(frozen=True, slots=True)
class PageFiles:
    """What a build of the pages consists of."""

    pages: Mapping[tuple[str, bool], PageFile]
    """(file name such as index.html, whether the browser has a cookie) → the page."""
    assets: Mapping[str, PageFile]
    """File name with its content's hash → file. Those of the build before are still there."""


def read_page_files(folder: Traversable) -> PageFiles:
    """Returns the files of a build; none of them if there is no such folder."""
    if not folder.is_dir():
        return PageFiles({}, {})
    pages = {
        (entry.name, has_cookie): _page(entry.read_bytes(), has_cookie=has_cookie)
        for entry in folder.iterdir()
        if entry.name.endswith(".html")
        for has_cookie in (False, True)
    }
    return PageFiles(pages, _assets(folder / "assets"))


def _page(html: bytes, *, has_cookie: bool) -> PageFile:
    content = html.replace(_PLACEHOLDER, b'data-cookie="%s"' % _presence(has_cookie))
    contents = {coding: compressed(content, coding) for coding in (IDENTITY, *_ENDINGS)}
    return PageFile(_TYPES["html"], contents, _tag(content))


def _presence(has_cookie: bool) -> bytes:
    return b"present" if has_cookie else b"absent"


def _assets(folder: Traversable) -> dict[str, PageFile]:
    files = {entry.name: entry for entry in folder.iterdir()}
    return {
        name: _asset(name, files)
        for name in files
        if name.rpartition(".")[2] in _TYPES and not name.endswith(".html")
    }


def _asset(name: str, files: Mapping[str, Traversable]) -> PageFile:
    content = files[name].read_bytes()
    coded = {
        coding: files[name + ending].read_bytes()
        for coding, ending in _ENDINGS.items()
        if name + ending in files
    }
    media_type = _TYPES[name.rpartition(".")[2]]
    return PageFile(media_type, {IDENTITY: content, **coded}, _tag(content))


def _tag(content: bytes) -> str:
    return sha256(content).hexdigest()[:16]
