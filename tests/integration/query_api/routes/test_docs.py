"""The documentation page and its files."""

import re

import pytest

from support.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_documentation_page_loads_completely(api: Api) -> None:
    page = await api.client.get("/docs", headers={"Authorization": ""})

    assert page.status_code == 200
    linked = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(linked) == 4
    for path in [*linked, "/openapi.json"]:
        answer = await api.client.get(path, headers={"Authorization": ""})
        assert answer.status_code == 200, path
        assert "text/plain" not in answer.headers["content-type"]


@pytest.mark.parametrize("name", ["LICENSE", "..%2f..%2fmain.py", "%2e%2e/main.py", "x"])
async def test_only_files_of_the_documentation_page_are_served(name: str, api: Api) -> None:
    assert (await api.client.get(f"/docs/{name}")).status_code in (401, 404)
