"""How the routers are made: where they stand, and what their operations are called.

Their routes are given to the app as they are. `include_router` would look for a route twice, in each
router in turn, and each of them holds one or two.
"""

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from query_api.auth.guard import caller_of, check_report


def api_router(tag: str, route_class: type[APIRoute] = APIRoute) -> APIRouter:
    """A router of routes below /api/v1."""
    return APIRouter(
        prefix="/api/v1",
        tags=[tag],
        route_class=route_class,
        generate_unique_id_function=operation_name,
    )


def operation_name(route: APIRoute) -> str:
    """What generated clients call it."""
    return route.name


class DirectRoute(APIRoute):
    """Calls `endpoint(request, caller)` by itself, for what is asked thousands of times a second.

    FastAPI would solve the endpoint's dependencies anew for each request, on two exit stacks: half of
    the time that a report from memory takes. The declaration stays FastAPI's, and so does the
    documentation made of it; the guard that it names is asked here.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await super().handle(scope, receive, send)  # 405
            return
        caller = check_report(caller_of(scope))
        response = await self.endpoint(Request(scope, receive), caller)
        await response(scope, receive, send)
