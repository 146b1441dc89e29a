"""The API with bare routes beside its own, for bench_api.py to compare with.

They stand behind the same gate and middlewares, and send the same bytes and headers as the
report; they only know nothing of shards, filters, freshness or tags.
"""

import socket

from starlette.requests import Request
from starlette.responses import Response

from query_api.main import create_app, run
from query_api.settings import load

settings = load()
app = create_app(settings)

SKIPPED = {b"content-length", b"content-type"}


def bare_response(status: int, content: bytes) -> Response:
    response = Response(content, status, media_type="application/json" if content else None)
    response.raw_headers += app.state.bare_headers
    return response


@app.get("/bare/report")
async def bare_report() -> Response:
    return bare_response(200, app.state.bare)


@app.get("/bare/not-modified")
async def bare_not_modified() -> Response:
    return bare_response(304, b"")


@app.put("/bare")
async def set_bare(request: Request) -> Response:
    """Take the bytes and headers the bare routes are to send."""
    app.state.bare = await request.body()
    app.state.bare_headers = [
        (name, request.headers[f"x-{name.decode()}"].encode())
        for name in (b"etag", b"cache-control", b"vary", b"obzvon-as-of", b"obzvon-lag-events")
    ]
    return Response()


if __name__ == "__main__":
    with socket.create_server((settings.api_host, settings.api_port), backlog=4096) as sock:
        run(app, sock)
