"""What of a request may become a label, a span's attribute or a line of a log.

Methods and paths come from the caller, who can put anything into them; only known ones are used.
"""

from typing import Final

from fastapi.routing import iter_route_contexts
from starlette.applications import Starlette

KNOWN_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

OTHER: Final = "other"
"""The one label of everything that is not known."""


class KnownPaths:
    """The literal paths of an app's routes, collected when they are first asked for."""

    def __init__(self, app: Starlette) -> None:
        self._app = app
        self._paths: dict[str, str] = {}

    def __contains__(self, path: str) -> bool:
        return path in (self._paths or self._collect())

    def label(self, path: str) -> str:
        """Returns the path itself if the app has it, otherwise `OTHER`."""
        return (self._paths or self._collect()).get(path, OTHER)

    def _collect(self) -> dict[str, str]:
        self._paths = {
            path: path
            for route in iter_route_contexts(self._app.routes)
            if (path := route.path) is not None and "{" not in path
        }
        return self._paths
