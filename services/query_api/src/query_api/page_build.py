"""Which build of the page this API serves: the hash that its build wrote beside its files."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Final

import structlog
from pydantic import BaseModel, Field, ValidationError

log = structlog.get_logger()

PAGES: Final = files("query_api") / "assets" / "pages"
"""Where the page's files are in the package; absent if it was not built."""


class _Build(BaseModel):
    build: str = Field(pattern=r"^[A-Za-z0-9._-]{1,64}$")
    """It becomes a header as it is."""


def page_build(folder: Traversable = PAGES) -> str | None:
    """Returns the hash of the page's files, None if there is no page. Reads a file."""
    try:
        text = (folder / "build.json").read_text()
    except OSError:
        return None
    try:
        return _Build.model_validate_json(text).build
    except ValidationError as error:
        log.warning("odd_page_build", error=str(error))
        return None
