"""What a running API's routes share."""

from dataclasses import dataclass

from fastapi import FastAPI

from query_api.live.channels import Channels
from query_api.live.courses import Courses
from query_api.live.reports import Reports
from query_api.live.responses import CachedResponses
from query_api.reader.mirror import Mirror
from query_api.report.snapshot import Refreshes
from runtime.redis import RedisClient


@dataclass(frozen=True, slots=True)
class ApiState:
    redis: RedisClient
    mirror: Mirror
    reports: Reports
    responses: CachedResponses
    """Those of /report."""
    courses: Courses
    hours: CachedResponses
    days: CachedResponses
    channels: Channels


def keep_state(app: FastAPI, state: ApiState) -> None:
    app.state.api = state


def state_of(app: FastAPI) -> ApiState:
    """Returns the state of an app that has started: its lifespan makes it."""
    state: ApiState = app.state.api
    return state


def refreshes_of(app: FastAPI) -> Refreshes:
    """Returns the refreshes whose figures the app shows; none before it has started."""
    state: ApiState | None = getattr(app.state, "api", None)
    snapshot = state.mirror.snapshot if state else None
    return snapshot.refreshes if snapshot else ()
