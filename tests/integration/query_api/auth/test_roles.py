"""The role matrix of docs/security.md, cell by cell, against the API as it is deployed."""

import io
import json
import re
import zipfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
import pytest_asyncio
import redis.asyncio
from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import iter_route_contexts

from query_api.auth import require_report, require_rows
from query_api.auth.store import AccessStore, KeyRecord, secret, sha256
from query_api.main import create_app
from query_api.page_build import PAGES
from query_api.settings import Settings
from support.events import DAY, NOON, failed, planned, postponed
from support.issuer import CLIENT_ID, Issuer, running_issuer
from support.paths import ROOT
from support.serving import address, listening, served
from support.writer import Writer

DOCUMENT = (ROOT / "docs" / "security.md").read_text()
EXCHANGE = "/api/v1/wallboard/session"
ELSEWHERE = "GET any other path"
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LOGIN = {"GET /login", "GET /login/callback", "POST /logout"}
"""Outside the matrix: they give no access by themselves (see test_login.py)."""

CLIENT = "ООО «Тайна»"
ADDRESS = "ул. Скрытая, 1"
COMMENTS = ("просил не звонить", "закрыто навсегда")
OF_A_CLIENT = (CLIENT, ADDRESS, *COMMENTS, "task-1", "client-1", "address-1")
OWN, FOREIGN = "op-1", "op-2"

pytestmark = pytest.mark.asyncio(loop_scope="module")


def matrix() -> tuple[list[str], dict[tuple[str, str], str]]:
    """(callers, (call, caller) → cell) of the first table of the document."""
    lines = re.findall(r"^\|(.+)\|$", DOCUMENT.partition("## Which tokens")[0], re.MULTILINE)
    head, _, *rows = ([cell.strip() for cell in line.split("|")] for line in lines)
    callers = head[1:]
    cells: dict[tuple[str, str], str] = {}
    for call, *row in rows:
        assert len(row) == len(callers), f"the line of {call} has another number of cells"
        cells |= {(call, caller): cell for caller, cell in zip(callers, row, strict=True)}
    return callers, cells


CALLERS, MATRIX = matrix()
CALLS = list(dict.fromkeys(call for call, _ in MATRIX))


@dataclass
class World:
    """The deployed API, and the credentials of each caller of the matrix."""

    app: FastAPI
    url: str
    credentials: dict[str, dict[str, str]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def issuer() -> AsyncIterator[Issuer]:
    async with running_issuer() as running:
        yield running


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def world(issuer: Issuer, redis_server: str) -> AsyncIterator[World]:
    async with redis.asyncio.from_url(redis_server) as client:
        await client.flushall()
        writer = await Writer(client).start()
        await writer.write(what_happened())
        await writer.sample()
        sock = listening()
        settings = Settings(
            redis_url=redis_server,
            access_redis_url=redis_server,
            oidc_issuer=issuer.url,
            oidc_client_id=CLIENT_ID,
            public_url=address(sock),
            rate_limit="none",
            rate_limit_unknown="none",
        )
        app = create_app(settings, lambda: datetime.fromisoformat(NOON))
        async with app.router.lifespan_context(app), served(app, sock=sock) as url:
            yield World(app, url, await credentials(issuer, url, AccessStore(redis_server)))


def what_happened() -> list[dict[str, Any]]:
    """Returns events about a contact of each operator; the first shows all that a wallboard must not."""
    return [
        planned(
            "task-1",
            operator=OWN,
            client="client-1",
            address="address-1",
            client_name=CLIENT,
            address_text=ADDRESS,
        ),
        postponed("task-1", DAY, comment=COMMENTS[0]),
        failed("task-1", "no_contact", comment=COMMENTS[1]),
        planned("task-2", operator=FOREIGN, client="client-2", address="address-2"),
    ]


async def credentials(issuer: Issuer, url: str, store: AccessStore) -> dict[str, dict[str, str]]:
    good, revoked = await key(store, "good"), await key(store, "revoked", is_revoked=True)
    await store.close()
    return {
        "nobody": {},
        "another role": bearer(issuer.token("other", sub="u-other")),
        "`head`": bearer(issuer.token("head")),
        "`quality_control`": bearer(issuer.token("quality_control", sub="u-qc")),
        "restricted `head`": bearer(issuer.token("head", sub="u-r", obzvon_operators=[OWN])),
        "browser session": {"Cookie": await session_cookie(url)},
        "wallboard key": {"Authorization": f"Key {good}"},
        "wallboard cookie": {"Cookie": await wallboard_cookie(url, good)},
        "expired token": bearer(issuer.token("head", exp=1_000_000_000)),
        "revoked key": {"Authorization": f"Key {revoked}"},
    }


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def key(store: AccessStore, name: str, *, is_revoked: bool = False) -> str:
    value, now = secret(), datetime.now(UTC)
    record = KeyRecord(
        id=name,
        name=name,
        sha256=sha256(value),
        created_at=now,
        expires_at=now + timedelta(days=1),
        revoked_at=now if is_revoked else None,
    )
    await store.add_key(record)
    return f"obzkey_{name}_{value}"


async def session_cookie(url: str) -> str:
    async with browser(url) as client:
        begun = await client.get("/login")
        approved = await client.get(begun.headers["location"])
        await client.get(approved.headers["location"])
        return f"obzvon_session={client.cookies['obzvon_session']}"


async def wallboard_cookie(url: str, good: str) -> str:
    async with browser(url) as client:
        await client.post(EXCHANGE, json={"key": good})
        return f"obzvon_wallboard={client.cookies['obzvon_wallboard']}"


def browser(url: str) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=url, trust_env=False, verify=False)


async def ask(world: World, call: str, headers: dict[str, str]) -> tuple[int, str]:
    """Returns (status, body); of a stream only its beginning."""
    method, _, path = call.partition(" ")
    if call == ELSEWHERE:
        path = "/api/v1/nowhere"
    path = path.replace("/docs/{name}", "/docs/start.js")
    path = path.replace("/assets/{name}", f"/assets/{asset()}")
    parameters = {"date": DAY} if path.startswith("/api/v1") and method == "GET" else {}
    async with (
        browser(world.url) as client,
        client.stream(method, path, headers=headers, params=parameters) as answer,
    ):
        if answer.headers.get("content-type", "").startswith("text/event-stream"):
            text = ""
            async for part in answer.aiter_text():
                text += part
                if "event: report" in text and "\n\n" in text.partition("event: report")[2]:
                    break
            return answer.status_code, text
        body = await answer.aread()
        if answer.headers.get("content-type") == SPREADSHEET:
            return answer.status_code, unpacked(body)
        return answer.status_code, body.decode("utf-8", "replace")


def asset() -> str:
    """A file of the built pages: their names change with their content."""
    return str(json.loads((PAGES / "build.json").read_text())["assets"][0])


def unpacked(workbook: bytes) -> str:
    """Returns all text of a workbook, which is a ZIP file of XML."""
    with zipfile.ZipFile(io.BytesIO(workbook)) as files:
        return "".join(files.read(name).decode("utf-8", "replace") for name in files.namelist())


@pytest.mark.parametrize(
    ("call", "caller"), MATRIX, ids=[f"{call} - {caller}" for call, caller in MATRIX]
)
async def test_api_behaves_as_the_cell_of_the_role_matrix_says(
    call: str, caller: str, world: World
) -> None:
    status, text = await ask(world, call, world.credentials[caller])
    match MATRIX[call, caller]:
        case "yes":
            assert status == 200, text
        case "own":
            assert status == 200, text
            assert OWN in text
            assert FOREIGN not in text
        case "figures":
            assert status == 200, text
            assert OWN in text
            assert not [piece for piece in OF_A_CLIENT if piece in text]
        case refusal:
            assert status == int(refusal), text
            assert OWN not in text


async def test_test_data_contains_the_names_a_wallboard_must_not_show(world: World) -> None:
    _, text = await ask(world, "GET /api/v1/contacts", world.credentials["`head`"])
    assert not [piece for piece in OF_A_CLIENT if piece not in text]
    assert FOREIGN in text


async def test_role_matrix_lists_every_caller_and_every_route(world: World) -> None:
    assert list(world.credentials) == CALLERS
    assert set(CALLS) - {ELSEWHERE} == routes(world.app) - LOGIN


async def test_every_route_refuses_an_anonymous_caller(world: World) -> None:
    under_the_api = [call for call in routes(world.app) if " /api/v1" in call]
    assert len(under_the_api) >= 4
    for call in under_the_api:
        status, _ = await ask(world, call, {})
        assert status == 401, call


async def test_every_route_has_a_guard_of_its_own_besides_the_gate(world: World) -> None:
    unguarded = {
        str(route.path)
        for route in iter_route_contexts(world.app.routes)
        if str(route.path).startswith("/api/v1")
        and not calls(route.dependant) & {require_report, require_rows}
    }
    assert unguarded == {EXCHANGE}


def calls(dependant: Dependant) -> set[Any]:
    """Returns everything that is called before a route's own function."""
    return {dependant.call}.union(*(calls(inner) for inner in dependant.dependencies))


def routes(app: FastAPI) -> set[str]:
    return {
        f"{method} {route.path}"
        for route in iter_route_contexts(app.routes)
        for method in (route.methods or ())
        if method != "HEAD"
    }


async def test_every_test_the_document_names_exists() -> None:
    named = set(re.findall(r"`(test_\w+)`", DOCUMENT))
    sources = "".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py"))
    assert len(named) > 30
    assert not {name for name in named if f"def {name}(" not in sources}


async def test_every_setting_of_access_is_in_the_document() -> None:
    from query_api.auth import AccessSettings

    table = DOCUMENT.partition("## Settings")[2].partition("## The audit log")[0]
    listed = set(re.findall(r"^\| `([A-Z_]+)` \|", table, re.MULTILINE))
    assert listed == {name.upper() for name in AccessSettings.model_fields}


async def test_openapi_names_the_credentials_of_every_guarded_route(world: World) -> None:
    schema = world.app.openapi()
    figures = ["bearer", "session", "wallboardKey", "wallboard"]
    assert sorted(schema["components"]["securitySchemes"]) == sorted(figures)
    for path, operations in schema["paths"].items():
        if not path.startswith("/api/v1") or path == EXCHANGE:
            continue
        for operation in operations.values():
            named = [name for way in operation["security"] for name in way]
            rows = MATRIX[f"GET {path}", "wallboard key"] == "403"
            assert named == (["bearer", "session"] if rows else figures), path
            assert {"401", "403", "429", "503"} <= operation["responses"].keys()


async def test_every_reference_in_the_openapi_can_be_resolved(world: World) -> None:
    schema = world.app.openapi()
    for name in set(re.findall(r"#/components/schemas/(\w+)", str(schema))):
        assert name in schema["components"]["schemas"]
