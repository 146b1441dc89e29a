"""A wallboard shows its key once and gets a cookie, so that EventSource works for it."""

from datetime import UTC, datetime
from typing import Annotated

from fastapi import APIRouter, Body, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from query_api.auth import audit
from query_api.auth.access import Access
from query_api.auth.cookies import set_cookie
from query_api.auth.origin import refuse_foreign_page
from query_api.auth.refusals import REFUSALS, unauthorized


class WallboardKey(BaseModel):
    """The key, where it does not come in the Authorization header."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(max_length=256, examples=["obzkey_1f2e3d4c_…"])


class WallboardSession(BaseModel):
    """What the key is good for. The cookie itself is in Set-Cookie."""

    name: str = Field(description="The name the key was given", examples=["Hall 2, left wall"])
    expires_at: datetime = Field(description="When the key, and the cookie with it, ends")


def wallboard_router(access: Access) -> APIRouter:
    router = APIRouter(tags=["access"])

    @router.post("/api/v1/wallboard/session", responses=REFUSALS)
    async def open_wallboard_session(
        request: Request,
        response: Response,
        body: Annotated[WallboardKey | None, Body()] = None,
    ) -> WallboardSession:
        """Exchange a wallboard key for a read-only cookie: figures only, no rows.

        The key comes as `Authorization: Key …` or in the body; never in the address.
        """
        refuse_foreign_page(request.scope, access, may_be_silent=True)
        key = body.key if body is not None else _key_in_header(request)
        cookie, caller = await access.open_wallboard(key)
        audit.key_used(request.scope, caller)
        set_cookie(
            response,
            access,
            access.wallboard_cookie,
            cookie,
            seconds=caller.expires_at - access.now(),
            same_site="strict",
        )
        response.headers["Cache-Control"] = "no-store"
        return WallboardSession(
            name=caller.name, expires_at=datetime.fromtimestamp(caller.expires_at, UTC)
        )

    return router


def _key_in_header(request: Request) -> str:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "key" or not key.strip():
        raise unauthorized(
            "Show the key: Authorization: Key KEY, or a body with the field key",
            why="no credential",
            error=None,
        )
    return key.strip()
