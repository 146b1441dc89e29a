"""Wallboard keys on a real Redis: exchanged, checked again, revoked."""

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
import pytest_asyncio
import redis.asyncio

from devkit.stack.engines import EmbeddedRedis
from query_api.auth import RECHECK_S, Caller
from support.guarded_app import REPORT, ROWS, GuardedApp, guarded_app
from support.issuer import Issuer
from support.wallboard_keys import Keys

EXCHANGE = "/api/v1/wallboard/session"


COOKIE = "obzvon_wallboard"


@pytest_asyncio.fixture
async def api(issuer: Issuer, redis_url: str) -> AsyncIterator[GuardedApp]:
    async with guarded_app(issuer, access_redis_url=redis_url) as running:
        yield running


async def exchange(api: GuardedApp, key: str) -> httpx.Response:
    return await api.client.post(EXCHANGE, headers={"Authorization": f"Key {key}"})


async def test_a_wallboard_exchanges_its_key_for_a_cookie_that_shows_figures_only(
    keys: Keys, api: GuardedApp
) -> None:
    answer = await exchange(api, await keys.create())
    assert answer.status_code == 200
    assert answer.json()["name"] == "Hall 2"
    cookie = answer.headers["set-cookie"]
    for attribute in ("HttpOnly", "SameSite=strict", "Path=/", "Max-Age="):
        assert attribute in cookie
    report = await api.get(REPORT)
    assert (report.status_code, report.json()["kind"]) == (200, "key")
    rows = await api.get(ROWS)
    assert (rows.status_code, rows.headers["content-type"]) == (403, "application/problem+json")


async def test_the_key_may_come_in_the_body_or_with_each_request(
    keys: Keys, api: GuardedApp
) -> None:
    key = await keys.create()
    assert (await api.client.post(EXCHANGE, json={"key": key})).status_code == 200
    api.client.cookies.clear()
    header = {"Authorization": f"Key {key}"}
    assert (await api.client.get(REPORT, headers=header)).status_code == 200
    assert (await api.client.get(ROWS, headers=header)).status_code == 403


async def test_key_in_the_url_is_not_accepted(keys: Keys, api: GuardedApp) -> None:
    key = await keys.create()
    assert (await api.client.post(f"{EXCHANGE}?key={key}")).status_code == 401
    assert (await api.get(f"{REPORT}?key={key}")).status_code == 401


@pytest.mark.parametrize(
    "change",
    [
        lambda key: key[:-1] + ("A" if key[-1] != "A" else "B"),
        lambda key: key + "A",
        lambda key: key[:-1],
        lambda key: key.rpartition("_")[0] + "_",
        lambda key: key.split("_", 2)[2],
        lambda key: key.replace("obzkey", "obzkez"),
        lambda key: key.replace(key.split("_")[1], "00000000"),
        lambda _: "obzkey_*_x",
        lambda _: "obzkey__",
        lambda _: "x" * 20_000,
    ],
)
async def test_altered_key_is_refused(change: Any, keys: Keys, api: GuardedApp) -> None:
    answer = await exchange(api, change(await keys.create()))
    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers


@pytest.mark.parametrize("body", ["{", "[]", '{"key": 1}', '{"key": "a", "b": 1}', "obzkey_1_x"])
async def test_a_body_that_cannot_be_read_is_explained_but_never_repeated(
    body: str, api: GuardedApp
) -> None:
    answer = await api.client.post(EXCHANGE, content=body)
    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert "obzkey_1_x" not in answer.text


@pytest.mark.parametrize("cookie", ["x", "a" * 43, "a" * 5_000, ""])
async def test_invented_cookie_is_not_accepted(cookie: str, api: GuardedApp) -> None:
    answer = await api.client.get(REPORT, headers={"Cookie": f"{COOKIE}={cookie}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("by", ["id", "name"])
async def test_revoked_key_stops_working_within_thirty_seconds(
    by: str, keys: Keys, api: GuardedApp
) -> None:
    key = await keys.create()
    header = {"Authorization": f"Key {key}"}
    assert (await api.client.get(REPORT, headers=header)).status_code == 200
    await exchange(api, key)
    assert (await api.get(REPORT)).status_code == 200
    code, _, _ = await keys("revoke", key.split("_")[1] if by == "id" else "Hall 2")
    assert code == 0
    api.clock.advance(RECHECK_S)
    assert (await api.get(REPORT)).status_code == 401
    assert (await api.client.get(REPORT, headers=header)).status_code == 401
    assert (await exchange(api, key)).status_code == 401
    _, listed, _ = await keys("list")
    assert "revoked" in listed


async def test_an_expired_key_is_refused(keys: Keys, api: GuardedApp) -> None:
    key = await keys.create("Hall 2", "--expires", "1h")
    await exchange(api, key)
    api.clock.advance(3_590)
    assert (await api.get(REPORT)).status_code == 200
    api.clock.advance(11)
    assert (await api.get(REPORT)).status_code == 401
    assert (await exchange(api, key)).status_code == 401


async def test_a_key_may_show_some_operators_only(keys: Keys, api: GuardedApp) -> None:
    await exchange(api, await keys.create("Hall 2", "--operator", "o-1", "--operator", "o-2"))
    seen = (await api.get(REPORT)).json()
    assert (seen["operators"], seen["managers"]) == (["o-1", "o-2"], None)


async def test_stream_continues_until_its_key_is_revoked(keys: Keys, api: GuardedApp) -> None:
    key = await keys.create()
    _, by_cookie = await api.access.sessions.open_wallboard(key)
    by_header = await caller(api, f"Key {key}")
    assert await api.access.still_allowed(by_cookie)
    assert await api.access.still_allowed(by_header)
    await keys("revoke", "Hall 2")
    assert not await api.access.still_allowed(by_cookie)
    assert not await api.access.still_allowed(by_header)


async def caller(api: GuardedApp, authorization: str) -> Caller:
    credential = api.access.credential([(b"authorization", authorization.encode())])
    assert credential is not None
    return await api.access.verify(credential)


async def test_a_stream_ends_when_its_token_does(issuer: Issuer, api: GuardedApp) -> None:
    bearer = await caller(api, f"Bearer {issuer.token()}")
    assert await api.access.still_allowed(bearer)
    api.clock.now = bearer.expires_at
    assert not await api.access.still_allowed(bearer)


async def test_every_use_of_a_key_and_every_refusal_is_one_audit_line(
    keys: Keys, api: GuardedApp, log: list[dict[str, Any]]
) -> None:
    key = await keys.create()
    log.clear()
    await exchange(api, key)
    await api.get(f"{REPORT}?operator_id=Иванов")
    await api.get(f"{ROWS}?q=Иванов")
    await api.get("/api/v1/Иванов")
    key_id = key.split("_")[1]
    assert [(line["event"], line["what"], line["who"]) for line in log] == [
        ("key used", f"POST {EXCHANGE}", f"key:{key_id}"),
        ("key used", f"GET {REPORT}", f"key:{key_id}"),
        ("key used", f"GET {ROWS}", f"key:{key_id}"),
        ("refused", f"GET {ROWS}", f"key:{key_id}"),
        ("key used", "GET (unknown path)", f"key:{key_id}"),
    ]
    assert all(line["at"] for line in log)
    assert "Иванов" not in str(log)
    assert key.split("_", 2)[2] not in str(log)


async def test_page_of_another_site_cannot_give_a_browser_its_own_key(
    keys: Keys, api: GuardedApp
) -> None:
    key = await keys.create()
    for headers in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = await api.client.post(EXCHANGE, json={"key": key}, headers=headers)
        assert answer.status_code == 403
        assert "set-cookie" not in answer.headers
    own = {"Origin": str(api.client.base_url).rstrip("/")}
    assert (await api.client.post(EXCHANGE, json={"key": key}, headers=own)).status_code == 200


async def test_write_with_a_cookie_is_accepted_only_from_our_own_pages(
    keys: Keys, api: GuardedApp
) -> None:
    await exchange(api, await keys.create())
    own = str(api.client.base_url).rstrip("/")
    for headers, status in (
        ({}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": f"{own}.evil.example"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Origin": own}, 200),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ):
        answer = await api.client.post("/api/v1/note", headers=headers)
        assert answer.status_code == status, headers


async def test_bad_header_is_refused_even_with_a_good_cookie(keys: Keys, api: GuardedApp) -> None:
    await exchange(api, await keys.create())
    assert (await api.get(REPORT)).status_code == 200
    assert (await api.get(REPORT, "no.token.atall")).status_code == 401


async def test_without_the_access_redis_keys_are_refused(
    keys: Keys, issuer: Issuer, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with EmbeddedRedis(tmp_path) as own:
        monkeypatch.setenv("OBZVON_ACCESS_REDIS_URL", own.url)
        key = await keys.create()
        async with guarded_app(issuer, access_redis_url=own.url) as api:
            await exchange(api, key)
            watching = await caller(api, f"Key {key}")
            assert (await api.get(REPORT)).status_code == 200
            await own.stop()
            api.clock.advance(RECHECK_S)
            answer = await api.get(REPORT)
            assert answer.status_code == 503
            assert int(answer.headers["retry-after"]) > 0
            assert (await exchange(api, key)).status_code == 503
            assert not await api.access.still_allowed(watching)
            assert (await api.get(REPORT, issuer.token())).status_code == 200
            code, _, err = await keys("list")
            assert (code, err.count("\n")) == (1, 1)
            assert "OBZVON_ACCESS_REDIS_URL" in err


async def test_emptied_access_redis_invalidates_every_key(
    keys: Keys, api: GuardedApp, redis_url: str
) -> None:
    await exchange(api, await keys.create())
    async with redis.asyncio.from_url(redis_url) as client:
        await client.flushall()
    api.clock.advance(RECHECK_S)
    assert (await api.get(REPORT)).status_code == 401


async def test_damaged_key_record_gives_no_access(
    keys: Keys, api: GuardedApp, redis_url: str
) -> None:
    key = await keys.create()
    async with redis.asyncio.from_url(redis_url) as client:
        await client.hset("obzvon:access:keys", key.split("_")[1], '{"name": "Hall 2"}')
    assert (await exchange(api, key)).status_code == 401


async def test_without_an_access_redis_keys_are_switched_off(issuer: Issuer) -> None:
    async with guarded_app(issuer) as api:
        assert (await exchange(api, "obzkey_0011aabb_x")).status_code == 503
        assert (await api.get(REPORT, issuer.token())).status_code == 200
