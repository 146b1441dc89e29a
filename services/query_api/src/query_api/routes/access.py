"""The routes of access itself: who is asking, a wallboard's exchange, and the login if it is switched on."""

from fastapi import APIRouter

from query_api.auth.access import Access
from query_api.routes.login import login_router
from query_api.routes.me import me_router
from query_api.routes.wallboard import wallboard_router


def access_routes(access: Access) -> APIRouter:
    router = APIRouter()
    router.include_router(me_router(access))
    router.include_router(wallboard_router(access))
    if access.settings.oidc_client_id is not None:
        router.include_router(login_router(access))
    return router
