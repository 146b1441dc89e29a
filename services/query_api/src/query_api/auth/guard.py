"""The dependencies of every route under /api/v1: they return the caller, or refuse.

The gate (`http.middleware.gate`) has identified the caller before any route runs, and refused the
rest. These check again, so that an app that is built without the gate is closed, not open.
"""

from collections.abc import MutableMapping
from typing import Annotated, Any, Final

from fastapi import Depends, Request

from query_api.auth.caller import Caller
from query_api.auth.refusals import forbidden, unauthorized

_CALLER: Final = "obzvon.caller"


def admit(scope: MutableMapping[str, Any], caller: Caller) -> None:
    """Write into the request's scope who is asking."""
    scope[_CALLER] = caller


def caller_of(scope: MutableMapping[str, Any]) -> Caller | None:
    """Returns the caller that `admit` has written there, None if nobody."""
    caller = scope.get(_CALLER)
    return caller if isinstance(caller, Caller) else None


def check_report(caller: Caller | None) -> Caller:
    """Returns the caller if it may read figures: 401 without one, 403 for another role."""
    if caller is None:
        raise unauthorized(
            "Bring a bearer token: Authorization: Bearer TOKEN", why="no credential", error=None
        )
    if not caller.may_read_report:
        raise forbidden(
            "Only the roles head and quality_control may read the report.", why="wrong role"
        )
    return caller


def check_rows(caller: Caller | None) -> Caller:
    """Returns the caller if it may read rows: clients, addresses and comments; 403 otherwise."""
    caller = check_report(caller)
    if not caller.may_read_rows:
        raise forbidden(
            "A wallboard key reads figures only; rows need a person's login.", why="rows by key"
        )
    return caller


async def require_report(request: Request) -> Caller:
    return check_report(caller_of(request.scope))


async def require_rows(request: Request) -> Caller:
    return check_rows(caller_of(request.scope))


ReportCaller = Annotated[Caller, Depends(require_report)]
"""For a route that answers with figures: `async def report(caller: ReportCaller)`."""

RowsCaller = Annotated[Caller, Depends(require_rows)]
"""For a route that answers with rows, or with anything about a client."""
