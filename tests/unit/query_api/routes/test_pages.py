"""The pages and their files, as a browser asks for them."""

import gzip
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import brotli
import httpx
import pytest
import pytest_asyncio

from query_api.main import create_app
from query_api.routes import pages
from query_api.settings import Settings

SCRIPT = b"console.log('a page')\n" * 40
ISSUER = "https://issuer.example"


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A build of the pages, which is served."""
    monkeypatch.setattr(pages, "PAGES", tmp_path)
    assets = tmp_path / "assets"
    assets.mkdir()
    (tmp_path / "build.json").write_text('{"build": "b1"}')
    (tmp_path / "index.html").write_text('<html data-cookie="unknown"><p>отчёт</p></html>')
    (assets / "index-abc.js").write_bytes(SCRIPT)
    (assets / "index-abc.js.br").write_bytes(brotli.compress(SCRIPT))
    (assets / "index-abc.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "icon-abc.svg").write_bytes(b"<svg/>")
    (assets / "secret.txt").write_text("never served")
    return tmp_path


def browser(**settings: Any) -> httpx.AsyncClient:
    app = create_app(Settings(redis_url="redis://127.0.0.1:1", oidc_issuer=ISSUER, **settings))
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(app), base_url="http://obzvon.test", trust_env=False
    )


@pytest_asyncio.fixture
async def client(folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    async with browser() as client:
        yield client


async def test_anyone_gets_the_page_and_asks_for_it_anew_each_time(
    client: httpx.AsyncClient,
) -> None:
    answer = await client.get("/")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["cache-control"] == "no-cache"
    assert "отчёт" in answer.text


async def test_page_runs_under_a_policy_that_allows_nothing_inline(
    client: httpx.AsyncClient,
) -> None:
    policy = (await client.get("/")).headers.get_list("content-security-policy")
    strict = (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
        "require-trusted-types-for 'script'"
    )
    assert policy == [strict]


async def test_form_of_logging_out_may_lead_to_the_issuer(folder: Path) -> None:
    async with browser(
        oidc_client_id="obzvon-web",
        public_url="http://obzvon.test",
        access_redis_url="redis://127.0.0.1:1",
    ) as client:
        policy = (await client.get("/")).headers["content-security-policy"]
    assert f"form-action 'self' {ISSUER};" in policy


@pytest.mark.parametrize("cookie", ["obzvon_session", "obzvon_wallboard"])
async def test_page_knows_whether_its_browser_has_a_cookie(
    cookie: str, client: httpx.AsyncClient
) -> None:
    without = await client.get("/")
    having = await client.get("/", headers={"Cookie": f"{cookie}=x"})
    assert 'data-cookie="absent"' in without.text
    assert 'data-cookie="present"' in having.text
    assert without.headers["etag"] != having.headers["etag"]
    assert "Cookie" in having.headers["vary"]
    assert "x" not in having.text.partition("data-cookie")[2].partition('"present"')[0]


async def test_file_with_a_hash_in_its_name_is_good_for_a_year(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/index-abc.js")
    assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert answer.headers["content-type"] == "text/javascript; charset=utf-8"
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    ("accepted", "coding"),
    [("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0, gzip", "gzip"), ("identity", None)],
)
@pytest.mark.parametrize("path", ["/", "/assets/index-abc.js"])
async def test_file_comes_in_the_coding_that_was_asked_for(
    path: str, accepted: str, coding: str | None, client: httpx.AsyncClient
) -> None:
    plain = await client.get(path, headers={"Accept-Encoding": "identity"})
    answer = await client.get(path, headers={"Accept-Encoding": accepted})
    assert answer.headers.get("content-encoding") == coding
    assert answer.content == plain.content  # the client has decoded it
    assert "Accept-Encoding" in answer.headers["vary"]
    tags = {answer.headers["etag"], plain.headers["etag"]}
    assert len(tags) == (1 if coding is None else 2)


async def test_file_that_compressing_makes_longer_comes_as_it_is(client: httpx.AsyncClient) -> None:
    answer = await client.get("/assets/icon-abc.svg", headers={"Accept-Encoding": "br"})
    assert "content-encoding" not in answer.headers
    assert answer.content == b"<svg/>"


@pytest.mark.parametrize("path", ["/", "/assets/index-abc.js"])
async def test_unchanged_file_is_not_sent_again(path: str, client: httpx.AsyncClient) -> None:
    tag = (await client.get(path)).headers["etag"]
    answer = await client.get(path, headers={"If-None-Match": tag})
    assert (answer.status_code, answer.content) == (304, b"")
    assert answer.headers["etag"] == tag
    assert (await client.get(path, headers={"If-None-Match": '"x"'})).status_code == 200


@pytest.mark.parametrize("path", ["/", "/assets/index-abc.js"])
async def test_head_gives_the_headers(path: str, client: httpx.AsyncClient) -> None:
    got, head = await client.get(path), await client.head(path)
    assert head.status_code == 200
    assert head.headers["etag"] == got.headers["etag"]


@pytest.mark.parametrize(
    "path",
    [
        "/assets/",
        "/assets/nothing.js",
        "/assets/secret.txt",
        "/assets/index-abc.js.br",
        "/assets/..%2fbuild.json",
        "/assets/%2e%2e%2findex.html",
        "/assets/..%5c..%5cmain.py",
        "/assets/index-abc.js/",
        "/assets//etc/passwd",
    ],
)
async def test_nothing_but_the_files_of_the_build_is_served(
    path: str, client: httpx.AsyncClient
) -> None:
    answer = await client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "never served" not in answer.text


@pytest.mark.parametrize("path", ["/build.json", "/index.html", "/rows", "/favicon.ico"])
async def test_address_that_is_no_page_is_refused_as_any_other(
    path: str, client: httpx.AsyncClient
) -> None:
    assert (await client.get(path)).status_code == 401


async def test_pages_that_were_not_built_are_a_404_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "PAGES", tmp_path / "nothing")
    async with browser() as client:
        answer = await client.get("/")
    assert answer.status_code == 404
    assert "make setup" in answer.json()["detail"]
