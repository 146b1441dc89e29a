"""Request ids, and errors as problem responses."""

import re

import pytest

from support.api import Api

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.mark.parametrize("given", ["trace-0123456789", "a.b_c-d123"])
async def test_valid_request_id_is_kept(given: str, api: Api) -> None:
    answer = await api.raw("/report", {"X-Request-Id": given})

    assert answer.headers["x-request-id"] == given


@pytest.mark.parametrize("given", ["x", "a b c d e f g h", "<script>alert(1)", "y" * 65])
async def test_invalid_request_id_is_replaced(given: str, api: Api) -> None:
    answer = await api.raw("/report", {"X-Request-Id": given})

    assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])


async def test_internal_error_is_a_problem_response_without_details(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(api.state.responses, "_compute", broken)
    monkeypatch.setattr(api.client._transport, "raise_app_exceptions", False)

    answer = await api.raw("/report", date="2026-01-01")

    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "secret" not in answer.text


async def test_unknown_path_and_wrong_method_are_problem_responses(api: Api) -> None:
    unknown = await api.raw("/reports")
    wrong = await api.client.post("/api/v1/report")

    assert (unknown.status_code, wrong.status_code) == (404, 405)
    assert unknown.headers["content-type"] == "application/problem+json"
    assert wrong.headers["content-type"] == "application/problem+json"
    assert wrong.headers["allow"] == "GET"
