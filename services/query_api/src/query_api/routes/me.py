"""GET /me: who is asking, and what they may see."""

from datetime import UTC, datetime
from typing import Any, Final

from fastapi import APIRouter, Response

from contracts.report import CallerKind, CallerRestriction, Features, Me
from query_api.auth import Caller, ReportCaller, Restriction
from query_api.auth.access import Access
from query_api.http.headers import VARY
from query_api.http.openapi.problems import FAULT, REFUSALS, UNPROCESSABLE
from query_api.http.routers import api_router

ANSWER: Final[dict[str, Any]] = {"description": "Who is asking"}

LATEST: Final = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
"""A token that ends even later is said to end then: no date can say more."""


def me_router(access: Access) -> APIRouter:
    router = api_router("access")
    settings = access.settings
    features = Features(
        login=settings.oidc_client_id is not None,
        wallboards=settings.access_redis_url is not None,
    )

    @router.get(
        "/me",
        responses={**REFUSALS, 200: ANSWER, 422: UNPROCESSABLE, 500: FAULT},
        summary="Who is asking, and what they may see",
    )
    async def me(caller: ReportCaller, response: Response) -> Me:
        """Also for a wallboard, by its key or its cookie."""
        response.headers["Cache-Control"] = "no-store"
        response.headers["Vary"] = VARY
        return Me(
            name=caller.name,
            kind=kind_of(caller),
            roles=sorted(caller.roles),
            restriction=_restriction(caller.restriction),
            may_read_rows=caller.may_read_rows,
            until=datetime.fromtimestamp(min(caller.ends_at, LATEST), UTC),
            features=features,
        )

    return router


def kind_of(caller: Caller) -> CallerKind:
    if caller.kind == "key":
        return CallerKind.WALLBOARD
    return CallerKind.SERVICE if caller.is_service else CallerKind.PERSON


def _restriction(restriction: Restriction | None) -> CallerRestriction | None:
    if restriction is None:
        return None
    return CallerRestriction(
        operators=_sorted(restriction.operators), managers=_sorted(restriction.managers)
    )


def _sorted(ids: frozenset[str] | None) -> list[str] | None:
    return None if ids is None else sorted(ids)
