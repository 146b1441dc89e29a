"""The issuer's keys: when they are fetched, how long they are valid, what an outage changes."""

import asyncio
from typing import Any

import pytest

from query_api.auth import issuer as issuer_module
from support.guarded_app import REPORT, GuardedApp, guarded_app
from support.issuer import (
    Issuer,
    public_jwk,
)
from support.waiting import until


async def test_hundred_simultaneous_tokens_fetch_the_keys_once(
    issuer: Issuer, api: GuardedApp
) -> None:
    tokens = [issuer.token(sub=f"u-{n}") for n in range(100)]
    answers = await asyncio.gather(*(api.get(REPORT, token) for token in tokens))
    assert {answer.status_code for answer in answers} == {200}
    assert issuer.jwks_fetches == 1


async def test_many_unknown_key_ids_fetch_the_keys_at_most_once_in_ten_seconds(
    issuer: Issuer,
) -> None:
    async with guarded_app(issuer, rate_limit_unknown="none") as api:
        assert (await api.get(REPORT, issuer.token())).status_code == 200
        assert issuer.jwks_fetches == 1

        async def herd(name: str) -> set[int]:
            tokens = [issuer.token(headers={"kid": f"{name}-{n}"}) for n in range(40)]
            answers = await asyncio.gather(*(api.get(REPORT, token) for token in tokens))
            return {answer.status_code for answer in answers}

        assert await herd("at once") == {401}
        assert issuer.jwks_fetches == 1
        for fetches in (2, 3):
            api.monotonic.advance(10.1)
            assert await herd(f"after {fetches}") == {401}
            assert await herd(f"again {fetches}") == {401}
            assert issuer.jwks_fetches == fetches


async def test_a_new_key_is_found_by_its_unknown_id(issuer: Issuer, api: GuardedApp) -> None:
    assert (await api.get(REPORT, issuer.token())).status_code == 200
    issuer.jwks.append(public_jwk("second"))
    api.monotonic.advance(10.1)
    assert (await api.get(REPORT, issuer.token(key="second"))).status_code == 200
    assert (await api.get(REPORT, issuer.token(sub="u-2"))).status_code == 200
    assert issuer.jwks_fetches == 2


@pytest.mark.parametrize("change", ["withdrawn", "replaced"])
async def test_tokens_of_a_key_that_is_gone_are_refused_even_if_remembered(
    change: str, issuer: Issuer, api: GuardedApp
) -> None:
    token, other = issuer.token(), issuer.token(key="curve", algorithm="ES256")
    assert (await api.get(REPORT, token)).status_code == 200
    issuer.jwks[0] = public_jwk("second", kid="second" if change == "withdrawn" else "first")
    api.monotonic.advance(issuer_module.REFRESH_S + 1)
    assert (await api.get(REPORT, token)).status_code == 200  # the refresh runs in the background

    async def is_refused() -> Any:
        return (await api.get(REPORT, token)).status_code == 401

    await until(is_refused)
    assert (await api.get(REPORT, other)).status_code == 200


async def test_without_keys_every_request_gets_503(issuer: Issuer, api: GuardedApp) -> None:
    issuer.is_down = True
    answer = await api.get(REPORT, issuer.token())
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert int(answer.headers["retry-after"]) > 0
    issuer.is_down = False
    assert (await api.get(REPORT, issuer.token())).status_code == 503  # not requested again so soon
    api.monotonic.advance(issuer_module.RETRY_PAUSE_S)
    assert (await api.get(REPORT, issuer.token())).status_code == 200


async def test_issuer_outage_changes_nothing_while_keys_are_fresh(
    issuer: Issuer, api: GuardedApp
) -> None:
    assert (await api.get(REPORT, issuer.token())).status_code == 200
    issuer.is_down = True
    api.monotonic.advance(issuer_module.REFRESH_S + 1)
    assert (await api.get(REPORT, issuer.token(sub="u-2"))).status_code == 200
    assert (await api.get(REPORT, issuer.token("other"))).status_code == 403
    assert (await api.get(REPORT, issuer.token(exp=1))).status_code == 401
    api.monotonic.advance(60)
    assert (await api.get(REPORT, issuer.token(key="second"))).status_code == 503


async def test_keys_older_than_a_day_are_no_longer_accepted(
    issuer: Issuer, api: GuardedApp
) -> None:
    assert (await api.get(REPORT, issuer.token())).status_code == 200
    issuer.is_down = True
    api.monotonic.advance(issuer_module.KEYS_LIVE_S)
    assert (await api.get(REPORT, issuer.token(sub="u-2"))).status_code == 503


async def test_issuer_that_never_answers_does_not_block_requests_for_long(
    issuer: Issuer, api: GuardedApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(issuer_module, "FETCH_TIMEOUT_S", 0.2)
    issuer.stalls = True
    async with asyncio.timeout(2):
        assert (await api.get(REPORT, issuer.token())).status_code == 503


@pytest.mark.parametrize(
    "discovery",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"jwks_uri": "http://keys.example/jwks"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "https://\u2603.example/jwks"},
        {"jwks_uri": None},
        {"token_endpoint": "http://login.example/token"},
        {"authorization_endpoint": "javascript:alert(1)"},
    ],
)
async def test_discovery_document_with_a_wrong_issuer_or_address_gives_no_keys(
    discovery: dict[str, Any], issuer: Issuer, api: GuardedApp
) -> None:
    issuer.discovery = discovery
    assert (await api.get(REPORT, issuer.token())).status_code == 503


async def test_address_of_the_keys_can_be_configured(issuer: Issuer) -> None:
    issuer.discovery = {"issuer": "https://evil.example"}
    async with guarded_app(issuer, oidc_jwks_url=f"{issuer.url}/jwks") as api:
        assert (await api.get(REPORT, issuer.token())).status_code == 200
