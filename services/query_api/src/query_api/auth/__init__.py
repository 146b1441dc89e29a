"""Who may read: bearer tokens, browser sessions and wallboard keys.

How an app is put together with it::

    access = Access(settings)                     # settings inherit AccessSettings
    protect(app, settings, access)                # of http.protection: the gate and the limits
    app.include_router(access_routes(access))     # of routes.access: wallboards and the login
    ... async with access: serve                  # in the lifespan

    @router.get("/api/v1/report", responses=REFUSALS)
    async def report(caller: ReportCaller): ...   # caller.restriction before limits and totals

    @router.get("/api/v1/contacts", responses=REFUSALS)
    async def contacts(caller: RowsCaller): ...   # refuses wallboard keys

A stream ends when ``access.now() >= caller.expires_at``, or when ``access.still_allowed(caller)``,
asked every `RECHECK_S` seconds, says no. Access runs on real time, never on a fixed clock.
Serve with uvicorn's ``proxy_headers=False``: `protect` knows which proxies to believe.
"""

from query_api.auth.access import RECHECK_S, Access
from query_api.auth.caller import HEAD, QUALITY_CONTROL, WALLBOARD, Caller, Restriction
from query_api.auth.guard import (
    ReportCaller,
    RowsCaller,
    caller_of,
    require_report,
    require_rows,
)
from query_api.auth.refusals import Refusal
from query_api.auth.settings import AccessSettings, StoreSettings

__all__ = [
    "HEAD",
    "QUALITY_CONTROL",
    "RECHECK_S",
    "WALLBOARD",
    "Access",
    "AccessSettings",
    "Caller",
    "Refusal",
    "ReportCaller",
    "Restriction",
    "RowsCaller",
    "StoreSettings",
    "caller_of",
    "require_report",
    "require_rows",
]
