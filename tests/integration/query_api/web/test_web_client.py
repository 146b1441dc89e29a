"""The TypeScript client in Node, built as it is published, against a real API and Redis."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from query_api.auth import commands
from support.api import Api, served_api
from support.events import DAY, NOON, called, planned
from support.issuer import Issuer
from support.node import WEB, line, node, script
from support.paths import ROOT
from support.writer import Writer

pytestmark = pytest.mark.asyncio(loop_scope="module")


DOCS = ROOT / "docs" / "api.md"


@pytest.fixture(scope="module", autouse=True)
def _built() -> None:
    script("build")


@pytest_asyncio.fixture(loop_scope="module")
async def api(
    redis_url: str, writer: Writer, issuer: Issuer, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Api]:
    monkeypatch.setenv("OBZVON_ACCESS_REDIS_URL", redis_url)
    operators = [*["op-1"] * 4, *["op-2"] * 3, None]
    await writer.write([planned(f"T{n}", operator=who) for n, who in enumerate(operators)])
    await writer.write([called(f"T{n}", call_id=f"c{n}") for n in range(6)])
    await writer.write([called("T1", "ordered", call_id="c1-again", at="10:30")])
    await writer.sample()
    async with served_api(redis_url, issuer, NOON, access_redis_url=redis_url) as running:
        yield running


def address(api: Api) -> str:
    return str(api.client.base_url).rstrip("/")


async def event(process: Any, type_: str) -> Any:
    """Returns the next event of the type that `follow.ts` prints."""
    while said := await line(process):
        shown = json.loads(said)
        if shown["type"] == type_:
            return shown
    raise AssertionError(f"it ended before {type_}")


async def test_client_reads_reports_rows_files_and_refusals(
    api: Api, issuer: Issuer, capsys: pytest.CaptureFixture[str]
) -> None:
    capsys.readouterr()
    assert await asyncio.to_thread(commands.keys, ["create", "Hall 2"]) == 0
    key = capsys.readouterr().out.strip()
    async with node(
        "--test",
        "--test-timeout=20000",
        "test/live/answers.test.ts",
        OBZVON_URL=address(api),
        OBZVON_TOKEN=issuer.token("head"),
        OBZVON_OTHER_ROLE_TOKEN=issuer.token("manager"),
        OBZVON_KEY=key,
    ) as process:
        said, _ = await asyncio.wait_for(process.communicate(), 60)

    assert process.returncode == 0, said.decode()
    assert "pass 13" in said.decode()


async def test_a_stream_shows_changes_and_goes_on_after_the_api_has_restarted(
    redis_url: str, writer: Writer, issuer: Issuer
) -> None:
    async with AsyncExitStack() as first:
        api = await first.enter_async_context(served_api(redis_url, issuer, NOON))
        port = api.client.base_url.port
        assert port is not None
        async with node("test/live/follow.ts", address(api), issuer.token("head"), DAY) as process:
            assert (await event(process, "report"))["report"]["totals"]["planned"] == 0
            await writer.write([planned("T1")])
            assert (await event(process, "report"))["report"]["totals"]["planned"] == 1
            await first.aclose()
            assert (await event(process, "waiting"))["pauseMs"] > 0
            async with served_api(redis_url, issuer, NOON, port=port):
                await event(process, "open")
                resumed = json.loads(await line(process))
                await writer.write([planned("T2")])
                changed = await event(process, "report")
                assert process.stdin is not None
                process.stdin.write(b"stop\n")
                rest, _ = await asyncio.wait_for(process.communicate(), 10)

    assert resumed["type"] == "freshness", "an unchanged report is not sent again"
    assert changed["report"]["totals"]["planned"] == 2
    assert process.returncode == 0, rest.decode()


async def test_the_example_of_the_documentation_compiles_and_runs(
    api: Api, issuer: Issuer, tmp_path: Path
) -> None:
    (example,) = re.findall(r"^```ts\n(.*?)^```$", DOCS.read_text(), re.MULTILINE | re.DOTALL)
    # Inside the package, so that its own name resolves to what was built.
    program = WEB / "build" / "example.ts"
    program.parent.mkdir(exist_ok=True)
    program.write_text(example)
    checking = tmp_path / "tsconfig.json"
    options = {"types": ["node"], "typeRoots": [str(WEB / "node_modules" / "@types")]}
    checking.write_text(
        json.dumps(
            {
                "extends": str(WEB / "tsconfig.json"),
                "compilerOptions": options,
                "include": [str(program)],
            }
        )
    )
    async with node("node_modules/typescript/bin/tsc", "-p", str(checking)) as compiling:
        said, _ = await asyncio.wait_for(compiling.communicate(), 30)
    assert compiling.returncode == 0, said.decode()
    async with node(
        program, OBZVON_URL=address(api), OBZVON_TOKEN=issuer.token("head"), OBZVON_DATE=DAY
    ) as running:
        lines = [await line(running) for _ in range(8)]

    assert lines[0].startswith("8 ")
    assert "Клиент c-1 2" in lines[1:-1]
    assert lines[-1] == "12.5"
