"""The documentation page, from files of our own, so that it works without the internet."""

from functools import cache
from importlib.resources import files
from typing import Final

from fastapi import APIRouter, Request
from starlette.responses import Response

from query_api.http.content_coding import IDENTITY, coding_of, compressed
from query_api.http.problems import problem

router = APIRouter(include_in_schema=False)

_FOLDER: Final = files("query_api") / "assets" / "swagger_ui"

_TYPES: Final = {
    "index.html": "text/html; charset=utf-8",
    "start.js": "text/javascript; charset=utf-8",
    "swagger-ui-bundle.js": "text/javascript; charset=utf-8",
    "swagger-ui.css": "text/css; charset=utf-8",
    "favicon-32x32.png": "image/png",
}
"""Every file of the page → its media type."""


@router.get("/docs")
async def page(request: Request) -> Response:
    return _file(request, "index.html")


@router.get("/docs/{name}")
async def asset(request: Request, name: str) -> Response:
    if name not in _TYPES:
        return problem(404, "There is no such file.", instance=request.url.path)
    return _file(request, name)


def _file(request: Request, name: str) -> Response:
    coding = IDENTITY if name.endswith(".png") else coding_of(request)
    headers = {"Cache-Control": "public, max-age=3600", "Vary": "Accept-Encoding"}
    if coding != IDENTITY:
        headers["Content-Encoding"] = coding
    return Response(_content(name, coding), media_type=_TYPES[name], headers=headers)


@cache
def _content(name: str, coding: str) -> bytes:
    return compressed((_FOLDER / name).read_bytes(), coding)
