"""Who may read: bearer tokens, browser sessions and wallboard keys."""

from query_api.auth.access import RECHECK_S, Access
from query_api.auth.caller import HEAD, QUALITY_CONTROL, WALLBOARD, Caller, Restriction
from query_api.auth.guard import (
    ReportCaller,
    RowsCaller,
    caller_of,
    require_report,
    require_rows,
)
from query_api.auth.refusals import PROBLEM, REFUSALS, Refused, problem
from query_api.auth.settings import AccessSettings, StoreSettings

__all__ = [
    "HEAD",
    "PROBLEM",
    "QUALITY_CONTROL",
    "RECHECK_S",
    "REFUSALS",
    "WALLBOARD",
    "Access",
    "AccessSettings",
    "Caller",
    "Refused",
    "ReportCaller",
    "Restriction",
    "RowsCaller",
    "StoreSettings",
    "caller_of",
    "problem",
    "require_report",
    "require_rows",
]
