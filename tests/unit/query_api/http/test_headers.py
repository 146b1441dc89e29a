"""Headers of responses with figures, and of requests for them."""

from zoneinfo import ZoneInfo

import pytest
from fastapi import Request

from query_api.http.headers import freshness_headers, is_not_modified
from query_api.report.freshness import Freshness

ETAG = 'W/"abc"'


def request(**headers: str) -> Request:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": pairs})


@pytest.mark.parametrize("tags", ['W/"abc"', '"abc"', '"x", W/"abc"', "*", '"x",*'])
def test_a_tag_the_caller_has_is_compared_weakly(tags: str) -> None:
    assert is_not_modified(request(if_none_match=tags), ETAG)


@pytest.mark.parametrize("tags", ["", "abc", '"abcd"', 'W/"ab"'])
def test_another_tag_needs_the_whole_answer(tags: str) -> None:
    assert not is_not_modified(request(if_none_match=tags), ETAG)


def test_a_caller_without_a_tag_needs_the_whole_answer() -> None:
    assert not is_not_modified(request(), ETAG)


def test_freshness_is_empty_where_the_json_has_null() -> None:
    zone = ZoneInfo("Europe/Moscow")
    fresh = Freshness(1_795_521_599_870, 0, stale=False, why_stale=None)
    unknown = Freshness(None, None, stale=True, why_stale="Redis is away")

    assert freshness_headers(fresh, zone) == {
        "Obzvon-As-Of": "2026-11-24T14:59:59.870+03:00",
        "Obzvon-Lag-Events": "0",
    }
    assert freshness_headers(unknown, zone) == {"Obzvon-As-Of": "", "Obzvon-Lag-Events": ""}
