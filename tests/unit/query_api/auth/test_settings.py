"""Settings of access: which are rejected at the start, and with which message."""

from typing import Any

import pytest
from pydantic import ValidationError

from query_api.auth import AccessSettings
from query_api.auth.settings import origin_of

ISSUER = "https://login.example/realms/calls"


def settings(**given: Any) -> AccessSettings:
    return AccessSettings(**{"oidc_issuer": ISSUER, **given})


def complaint(**given: Any) -> str:
    with pytest.raises(ValidationError) as caught:
        settings(**given)
    (error,) = caught.value.errors()
    return f"{error['loc']} {error['msg']}"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"oidc_issuer": "http://login.example"}, "OBZVON_OIDC_ALLOW_HTTP"),
        ({"oidc_issuer": "login.example"}, "OBZVON_OIDC_ISSUER"),
        ({"oidc_jwks_url": "http://login.example/jwks"}, "OBZVON_OIDC_JWKS_URL"),
        ({"oidc_jwks_url": "file:///etc/passwd"}, "OBZVON_OIDC_JWKS_URL"),
        ({"oidc_role_head": "a", "oidc_role_quality_control": "a"}, "name two roles"),
        ({"oidc_audience": ""}, "oidc_audience"),
        ({"rate_limit": "many"}, "600/minute"),
        ({"rate_limit": ""}, "600/minute"),
        ({"rate_limit": "0/minute"}, "600/minute"),
        ({"rate_limit": "10/second;20/minute"}, "600/minute"),
        ({"cors_origins": "*"}, "not an origin"),
        ({"cors_origins": "https://a.example/"}, "not an origin"),
        ({"cors_origins": "https://a.example,null"}, "not an origin"),
        ({"trusted_proxies": "*"}, "not an address or network"),
        ({"trusted_proxies": "proxy.example"}, "not an address or network"),
        ({"public_url": "https://a.example/path"}, "scheme, host and port"),
        ({"public_url": "a.example"}, "scheme, host and port"),
        ({"access_redis_url": "http://127.0.0.1"}, "redis://"),
        ({"session_hours": 0}, "session_hours"),
    ],
)
def test_a_wrong_setting_is_named(given: dict[str, Any], says: str) -> None:
    assert says in complaint(**given)


@pytest.mark.parametrize(
    "issuer", ["http://127.0.0.1:8081", "http://localhost:8081", "http://[::1]:8081"]
)
def test_plain_http_is_fine_on_this_machine(issuer: str) -> None:
    assert settings(oidc_issuer=issuer).oidc_issuer == issuer


def test_plain_http_elsewhere_must_be_asked_for() -> None:
    assert settings(oidc_issuer="http://keycloak:8080", oidc_allow_http=True)


def test_lists_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OBZVON_OIDC_ISSUER", ISSUER)
    monkeypatch.setenv("OBZVON_CORS_ORIGINS", "https://a.example, http://b.example:8080")
    monkeypatch.setenv("OBZVON_TRUSTED_PROXIES", "10.0.0.0/8,127.0.0.1,")
    monkeypatch.setenv("OBZVON_ACCESS_REDIS_URL", "")
    read = AccessSettings()
    assert read.cors_origins == ("https://a.example", "http://b.example:8080")
    assert read.trusted_proxies == ("10.0.0.0/8", "127.0.0.1")
    assert read.access_redis_url is None


def test_the_client_secret_is_not_printed() -> None:
    given = settings(oidc_client_secret="s3cret-of-ours")
    assert "s3cret-of-ours" not in repr(given) + given.model_dump_json()


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        ("https://A.example:443/x?y", "https://a.example"),
        ("http://a.example:80", "http://a.example"),
        ("http://a.example:8080/", "http://a.example:8080"),
        ("http://[::1]:8080", "http://[::1]:8080"),
    ],
)
def test_an_origin_is_written_as_browsers_write_it(url: str, origin: str) -> None:
    assert origin_of(url) == origin
