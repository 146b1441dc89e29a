"""The pages and their files. They hold no data, so anybody may have them."""

from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from query_api.auth.access import Access
from query_api.http.content_coding import IDENTITY, coding_of
from query_api.http.headers import is_not_modified
from query_api.http.middleware.security_headers import page_policy
from query_api.http.page_files import PageFile, read_page_files
from query_api.http.problems import problem
from query_api.page_build import PAGES

OPEN_PATHS: Final = frozenset({"/"})
"""The addresses of the pages, which need no caller."""

OPEN_PREFIX: Final = "/assets/"

_IMMUTABLE: Final = "public, max-age=31536000, immutable"


def page_router(access: Access) -> APIRouter:
    endpoints = _PageEndpoints(access)
    router = APIRouter(include_in_schema=False)
    for path, endpoint in (("/", endpoints.report), (OPEN_PREFIX + "{name}", endpoints.asset)):
        router.add_api_route(path, endpoint, methods=["GET", "HEAD"], response_model=None)
    return router


class _PageEndpoints:
    def __init__(self, access: Access) -> None:
        self._files = read_page_files(PAGES)
        self._cookies = (access.session_cookie, access.wallboard_cookie)
        self._policy = page_policy(access.settings)

    async def report(self, request: Request) -> Response:
        """The page of the report."""
        return self._page(request, "index.html")

    async def asset(self, request: Request, name: str) -> Response:
        """A file of a page. Its name changes with its content, so it is good for ever."""
        file = self._files.assets.get(name)
        if file is None:
            return problem(404, "There is no such file.", instance=request.url.path)
        headers = {"Cache-Control": _IMMUTABLE, "Vary": "Accept-Encoding"}
        return _response(request, file, headers)

    def _page(self, request: Request, name: str) -> Response:
        """A page tells its script whether there is a cookie: one without need not ask who it is."""
        has_cookie = any(cookie in request.cookies for cookie in self._cookies)
        page = self._files.pages.get((name, has_cookie))
        if page is None:
            return problem(404, "The pages are not built: run make setup.", instance="/")
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": self._policy,
            "Vary": "Accept-Encoding, Cookie",
        }
        return _response(request, page, headers)


def _response(request: Request, file: PageFile, headers: dict[str, str]) -> Response:
    coding, content = file.best(coding_of(request))
    headers["ETag"] = file.etag(coding)
    if is_not_modified(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    if coding != IDENTITY:
        headers["Content-Encoding"] = coding
    return Response(content, media_type=file.media_type, headers=headers)
