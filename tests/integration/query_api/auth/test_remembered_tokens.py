"""Tokens that were checked once are remembered, until they expire."""

from typing import Any

import pytest

from query_api.auth import Caller
from query_api.auth import access as access_module
from support.guarded_app import REPORT, GuardedApp
from support.issuer import Issuer, seconds_now
from support.waiting import until

# What is remembered


async def test_a_remembered_token_is_refused_once_it_has_expired(
    issuer: Issuer, api: GuardedApp
) -> None:
    token = issuer.token(exp=seconds_now() - 58)  # one or two seconds of leeway are left
    assert (await api.get(REPORT, token)).status_code == 200

    async def is_refused() -> Any:
        api.clock.advance(0.1)
        return (await api.get(REPORT, token)).status_code == 401

    await until(is_refused)


async def test_remembered_token_is_accepted_without_checking_its_signature_again(
    issuer: Issuer, api: GuardedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = api.access.tokens.caller
    reads: list[str] = []

    async def counted(token: str) -> Caller:
        reads.append(token)
        return await read(token)

    monkeypatch.setattr(api.access.tokens, "caller", counted)
    tokens = [issuer.token(), issuer.token(sub="u-2")]
    for token in tokens * 3:
        assert (await api.get(REPORT, token)).status_code == 200
    assert reads == tokens


async def test_number_of_remembered_tokens_is_limited(
    issuer: Issuer, api: GuardedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access_module, "REMEMBERED", 5)
    for n in range(20):
        assert (await api.get(REPORT, issuer.token(sub=f"u-{n}"))).status_code == 200
    assert len(api.access._known) == 5


async def test_a_refused_token_is_not_remembered(issuer: Issuer, api: GuardedApp) -> None:
    await api.get(REPORT, issuer.token(exp=1))
    assert not api.access._known
