"""The API's endpoints."""

from starlette.routing import BaseRoute

from query_api.routes import (
    contact_files,
    contacts,
    course,
    docs,
    export,
    filters,
    health,
    report,
    stream,
)


def routes() -> list[BaseRoute]:
    """Returns all routes but those of logging in, the busiest first: they are tried in order."""
    modules = (report, stream, course, contacts, filters, export, contact_files, health, docs)
    return [route for module in modules for route in module.router.routes]
