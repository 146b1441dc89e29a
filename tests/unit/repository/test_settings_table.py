"""The table of docs/settings.md lists the settings that the code has."""

import re
from typing import Any

from pydantic_settings import BaseSettings

from projector.settings import Settings as ProjectorSettings
from query_api.settings import Settings as ApiSettings
from support.paths import ROOT

TABLE = (ROOT / "docs/settings.md").read_text("utf-8")
LINE = re.compile(r"^\| `([A-Z0-9_]+)` \| ([PA ]+) \| (.+?) \| (.+) \|$", re.MULTILINE)

SERVICES: dict[str, type[BaseSettings]] = {"P": ProjectorSettings, "A": ApiSettings}


def shown(field: Any) -> str:
    if field.is_required():
        return "required"
    if field.default is None or field.default == ():
        return "none"
    value = field.default
    return f"`{str(value).lower() if isinstance(value, bool) else value}`"


def test_the_settings_table_names_every_setting_and_its_default() -> None:
    table = {
        (service, name): default
        for name, services, default, _ in LINE.findall(TABLE)
        for service in services.split()
    }
    code = {
        (service, name.upper()): shown(field)
        for service, settings in SERVICES.items()
        for name, field in settings.model_fields.items()
    }
    assert table == code
