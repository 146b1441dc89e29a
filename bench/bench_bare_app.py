"""What bench_api.py compares the API with: FastAPI alone, sending the same bytes and headers.

No gate, limits, metrics, security headers or freshness; only the token is verified, once, and known
from then on, as the API does it.

    python bench/bench_bare_app.py PORT ISSUER
"""

import sys
from typing import Annotated

import httpx
import jwt
import uvicorn
from fastapi import Depends, FastAPI, HTTPException, Request
from starlette.responses import Response

app = FastAPI()
port, issuer = int(sys.argv[1]), sys.argv[2]

discovered = httpx.get(f"{issuer}/.well-known/openid-configuration").json()
keys = jwt.PyJWKSet.from_dict(httpx.get(discovered["jwks_uri"]).json())
verified: set[str] = set()


async def verify(request: Request) -> str:
    """The token, if it is the issuer's."""
    token = request.headers.get("authorization", "").removeprefix("Bearer ")
    if token not in verified:
        try:
            key = keys[jwt.get_unverified_header(token)["kid"]]
            jwt.decode(
                token, key, [key.algorithm_name], issuer=issuer, options={"verify_aud": False}
            )
        except (jwt.PyJWTError, KeyError):
            raise HTTPException(401) from None
        verified.add(token)
    return token


Verified = Annotated[str, Depends(verify)]


@app.get("/report")
async def report(_: Verified) -> Response:
    return Response(
        app.state.content, media_type="application/json", headers=app.state.report_headers
    )


@app.get("/not-modified")
async def not_modified(_: Verified) -> Response:
    return Response(status_code=304, headers=app.state.report_headers)


@app.put("/")
async def take(request: Request) -> Response:
    """Take the bytes and headers to send."""
    app.state.content = await request.body()
    names = ("etag", "cache-control", "vary", "obzvon-as-of", "obzvon-lag-events")
    app.state.report_headers = {name: request.headers[f"x-{name}"] for name in names}
    return Response()


@app.get("/readyz")
async def readyz() -> Response:
    return Response()


if __name__ == "__main__":
    uvicorn.run(app, host="127.0.0.1", port=port, access_log=False, log_level="error")
