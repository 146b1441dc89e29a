"""Which release this is."""

from importlib.metadata import version
from typing import Final

VERSION: Final = version("obzvon-runtime")
"""Version of all members of this project, which are released together; from their metadata."""
