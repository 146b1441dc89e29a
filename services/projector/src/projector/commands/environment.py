"""The settings from the environment, or an exit that names what is wrong with them."""

import re
import sys

from pydantic import ValidationError

from projector.settings import Settings


def settings_or_exit() -> Settings:
    """The settings from the environment; one line on stderr and exit code 2 if they are wrong."""
    try:
        return Settings()
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        name = "OBZVON_" + str(first["loc"][0]).upper()
        if first["type"] == "missing":
            said = f"{name} is not set; see the settings table in README.md"
        else:
            message = first["msg"].removeprefix("Value error, ")
            said = f"{name} is {without_secrets(name, first['input'])!r}: {message}"
        sys.stderr.write(f"projector: {said}\n")
        sys.exit(2)


def without_secrets(name: str, value: object) -> str:
    """A setting's value as it may be shown: no passwords, nor those within a URL."""
    if name.endswith("_PASSWORD"):
        return "***"
    return re.sub(r"//[^/@]*@", "//***@", str(value))
