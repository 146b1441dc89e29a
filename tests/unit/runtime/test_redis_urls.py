"""Which values of OBZVON_REDIS_URL both services accept."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

import projector.settings
import query_api.settings
from runtime.redis import cluster_nodes

SETTINGS = [projector.settings.Settings, query_api.settings.Settings]


@pytest.mark.parametrize(
    ("url", "first", "others"),
    [
        ("redis+cluster://a:1", "redis://a:1", []),
        ("redis+cluster://a:1,b:2,c", "redis://a:1", [("b", 2), ("c", 6379)]),
        ("rediss+cluster://me:p%2C,x@a:1,b:2/?x=1,2", "rediss://me:p%2C,x@a:1/?x=1,2", [("b", 2)]),
        ("redis+cluster://[::1]:1,[::2]:2?x=1", "redis://[::1]:1?x=1", [("::2", 2)]),
    ],
)
def test_a_cluster_is_found_by_several_nodes(
    url: str, first: str, others: list[tuple[str, int]]
) -> None:
    found, nodes = cluster_nodes(url)
    assert found == first
    assert [(node.host, node.port) for node in nodes] == others


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://a", "redis+cluster://"),
        ("redis://a:1,b:2", "name one server"),
        ("redis+cluster://a:1,b:x", "'b:x' has no port that could be"),
        ("redis://a:1/second", "'second' is no number of a database"),
        ("redis://a:1/0?pool=big&password=hunter2", "keyword argument 'pool'"),
        ("redis+cluster://a:1,b:2?socket_timeout=soon", "'socket_timeout'"),
        ("redis://me:hunter2@a:99999", "'a:99999' has no port that could be"),
    ],
)
def test_invalid_redis_url_is_rejected(settings: Callable[..., Any], url: str, said: str) -> None:
    with pytest.raises(ValidationError) as refused:
        settings(redis_url=url, kafka_bootstrap_servers="k:1", oidc_issuer="https://issuer.example")
    message = refused.value.errors()[0]["msg"]
    assert said in message
    assert "hunter2" not in message


@pytest.mark.parametrize("settings", SETTINGS)
@pytest.mark.parametrize(
    "url",
    [
        "redis://me:p%40ss@a:1/2?socket_timeout=1.5&max_connections=50",
        "rediss+cluster://a:1,b:2/?ssl_ca_certs=/ca.pem&ssl_cert_reqs=none",
        "redis+cluster://[::1]:1,[::2]:2",
    ],
)
def test_redis_url_options_of_redis_py_are_accepted(settings: Callable[..., Any], url: str) -> None:
    made = settings(
        redis_url=url, kafka_bootstrap_servers="k:1", oidc_issuer="https://issuer.example"
    )
    assert made.redis_url == url
