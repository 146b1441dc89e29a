"""The `keys` command as an operator runs it."""

import json
import re

import pytest
import redis.asyncio

from query_api.auth.store import sha256
from support.wallboard_keys import Keys


async def test_key_is_printed_once_and_stored_only_as_a_hash(keys: Keys, redis_url: str) -> None:
    code, out, err = await keys("create", "Hall 2", "--expires", "90d")
    key = out.strip()
    assert code == 0
    assert re.fullmatch(r"obzkey_[0-9a-f]{8}_[A-Za-z0-9_-]{43}", key)
    secret = key.split("_", 2)[2]
    _, listed, _ = await keys("list")
    assert "Hall 2" in listed
    assert secret not in listed + err
    async with redis.asyncio.from_url(redis_url, decode_responses=True) as client:
        stored = json.dumps([await client.hgetall(name) for name in await client.keys("*")])
    assert sha256(secret) in stored
    assert secret not in stored


async def test_two_keys_never_share_a_secret(keys: Keys) -> None:
    made = [await keys.create(f"Hall {n}") for n in range(3)]
    assert len({key.split("_", 2)[2] for key in made}) == 3


@pytest.mark.parametrize(
    "argv",
    [
        ("create", ""),
        ("create", "a\nb"),
        ("create", "Hall", "--expires", "soon"),
        ("create", "Hall", "--expires", "99999d"),
        ("create",),
        ("revoke",),
        (),
    ],
)
async def test_a_wrong_argument_is_explained(argv: tuple[str, ...], keys: Keys) -> None:
    with pytest.raises(SystemExit) as stopped:
        await keys(*argv)
    assert stopped.value.code == 2


async def test_name_of_a_key_can_be_reused_only_after_revocation(keys: Keys) -> None:
    await keys.create()
    assert (await keys("create", "Hall 2"))[0] == 1
    await keys("revoke", "Hall 2")
    assert (await keys("create", "Hall 2"))[0] == 0
    assert (await keys("revoke", "Hall 3"))[0] == 1


@pytest.mark.parametrize("url", [None, "", "http://127.0.0.1"])
async def test_keys_command_without_its_redis_says_so(
    url: str | None, keys: Keys, monkeypatch: pytest.MonkeyPatch
) -> None:
    if url is None:
        monkeypatch.delenv("OBZVON_ACCESS_REDIS_URL")
    else:
        monkeypatch.setenv("OBZVON_ACCESS_REDIS_URL", url)
    code, out, err = await keys("list")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "OBZVON_ACCESS_REDIS_URL" in err
