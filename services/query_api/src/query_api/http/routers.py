"""How routers are made: their prefix, and what their operations are called.

Their routes are given to the app directly. With `include_router` it would search twice for a route,
in each router in turn, and each of them has only one or two.
"""

from fastapi import APIRouter, Request
from fastapi.routing import APIRoute
from starlette.types import Receive, Scope, Send

from query_api.auth.guard import caller_of, check_report


def api_router(tag: str, route_class: type[APIRoute] = APIRoute) -> APIRouter:
    """Returns a router of routes below /api/v1."""
    return APIRouter(
        prefix="/api/v1",
        tags=[tag],
        route_class=route_class,
        generate_unique_id_function=operation_name,
    )


def operation_name(route: APIRoute) -> str:
    """Returns the name of the operation in generated clients."""
    return route.name


class DirectRoute(APIRoute):
    """Calls `endpoint(request, caller)` directly, for thousands of requests a second.

    FastAPI would resolve the endpoint's dependencies for each request, with two exit stacks: half
    of the time that a report from memory takes. The declaration is still FastAPI's, and so is the
    documentation generated from it; the guard that it names is called here.
    """

    async def handle(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] != "GET":
            await super().handle(scope, receive, send)  # 405
            return
        caller = check_report(caller_of(scope))
        response = await self.endpoint(Request(scope, receive), caller)
        await response(scope, receive, send)
