"""A wallboard sends its key once and gets a cookie, so that EventSource works for it."""

from datetime import UTC, datetime
from typing import Final

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from query_api.auth import audit
from query_api.auth.access import Access
from query_api.auth.cookies import set_cookie
from query_api.auth.origin import require_same_origin
from query_api.auth.refusals import Refusal, unauthorized
from query_api.http.openapi.problems import REFUSALS, problem_response


class WallboardKey(BaseModel):
    """The key, where it does not come in the Authorization header."""

    model_config = ConfigDict(extra="forbid")

    key: str = Field(max_length=256, examples=["obzkey_1f2e3d4c_…"])


class WallboardSession(BaseModel):
    """What the key is good for. The cookie itself is in Set-Cookie."""

    name: str = Field(description="The name the key was given", examples=["Hall 2, left wall"])
    expires_at: datetime = Field(description="When the key, and the cookie with it, ends")


_UNREADABLE_DETAIL: Final = 'The body must be a JSON object with the field key: {"key": "obzkey_…"}'

_UNREADABLE: Final = problem_response(422, "The body can't be read", _UNREADABLE_DETAIL)

_BODY: Final = {
    "description": "The key, where it does not come in the Authorization header",
    "required": False,
    "content": {"application/json": {"schema": WallboardKey.model_json_schema()}},
}


def wallboard_router(access: Access) -> APIRouter:
    router = APIRouter(tags=["access"])

    @router.post(
        "/api/v1/wallboard/session",
        responses={**REFUSALS, 422: _UNREADABLE},
        openapi_extra={"requestBody": _BODY, "security": [{"wallboardKey": []}, {}]},
        summary="Exchange a wallboard key for a read-only cookie",
    )
    async def open_wallboard_session(request: Request, response: Response) -> WallboardSession:
        """The cookie shows figures only, no rows, until the key expires or is revoked.

        The key comes as `Authorization: Key …` or in the body; never in the address.
        """
        require_same_origin(request.scope, access.settings, may_be_silent=True)
        key = _key_in_header(request) or _key_in_body(await request.body())
        cookie, caller = await access.sessions.open_wallboard(key)
        audit.log_key_use(request.scope, caller)
        set_cookie(
            response,
            access.settings,
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


def _key_in_header(request: Request) -> str | None:
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    return key.strip() or None if scheme.lower() == "key" else None


def _key_in_body(body: bytes) -> str:
    if not body:
        raise unauthorized(
            "Show the key: Authorization: Key KEY, or a body with the field key",
            why="no credential",
            error=None,
        )
    try:
        return WallboardKey.model_validate_json(body).key
    except ValidationError:
        # Unlike other 422s it does not repeat what was sent: that may be a key with a typo around it.
        raise Refusal(422, _UNREADABLE_DETAIL, why="malformed body") from None
