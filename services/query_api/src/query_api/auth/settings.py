"""Settings of access and protection; the API's own settings inherit from them."""

from ipaddress import ip_network
from typing import Annotated, Self
from urllib.parse import urlsplit

from limits import parse
from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from runtime.settings import BLANK_IS_NONE

UNLIMITED = "none"
"""The value of a rate limit that is switched off."""

_LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})


def _items(value: object) -> object:
    """Returns the items of a comma-separated list, as environment variables contain them."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


def origin_of(url: str) -> str:
    """Returns scheme, host and port, as a browser writes them in the Origin header."""
    parts = urlsplit(url)
    default = {"http": 80, "https": 443}.get(parts.scheme)
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = "" if parts.port in (None, default) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


class StoreSettings(BaseSettings):
    """Where keys, sessions and revocations are stored. `keys` needs no other setting."""

    model_config = SettingsConfigDict(env_prefix="OBZVON_", frozen=True, extra="ignore")

    access_redis_url: Annotated[str | None, BLANK_IS_NONE] = Field(
        None,
        description="Redis of wallboard keys and browser sessions; a Redis of their own, with "
        "persistence. Without it only bearer tokens are accepted",
    )

    @field_validator("access_redis_url")
    @classmethod
    def _is_redis_url(cls, value: str | None) -> str | None:
        if value is not None and urlsplit(value).scheme not in ("redis", "rediss", "unix"):
            raise ValueError("give a redis://, rediss:// or unix:// address")
        return value


class AccessSettings(StoreSettings):
    """Who may read, and how the API defends itself."""

    oidc_issuer: str = Field(
        description="The issuer, exactly as `iss` of its tokens names it",
        examples=["https://login.example/realms/calls"],
    )
    oidc_audience: str = Field(
        "obzvon", min_length=1, description="What `aud` of an access token must name, exactly"
    )
    oidc_jwks_url: Annotated[str | None, BLANK_IS_NONE] = Field(
        None, description="The issuer's keys; by default as its discovery document says"
    )
    oidc_allow_http: bool = Field(
        False,
        description="Allow an issuer or keys over plain http on other machines: whoever can "
        "change that traffic can then mint tokens",
    )
    oidc_untyped_tokens: bool = Field(
        False,
        description="Also accept access tokens that do not say that they are access tokens",
    )
    oidc_roles_claim: str = Field(
        "realm_access.roles",
        min_length=1,
        description="Path of the claim that lists the roles; a dot goes one level down",
    )
    oidc_role_head: str = Field("head", min_length=1, description="Name of the role Руководитель")
    oidc_role_quality_control: str = Field(
        "quality_control", min_length=1, description="Name of the role Контроль качества"
    )
    oidc_operators_claim: str = Field(
        "obzvon_operators",
        description="Path of the claim that restricts the caller to these operator ids",
    )
    oidc_managers_claim: str = Field(
        "obzvon_managers",
        description="Path of the claim that restricts the caller to these manager ids",
    )
    oidc_client_id: Annotated[str | None, BLANK_IS_NONE] = Field(
        None, description="Client id of the browser login; without it there is no login"
    )
    oidc_client_secret: Annotated[SecretStr | None, BLANK_IS_NONE] = Field(
        None, description="Secret of that client; leave it out for a public client"
    )
    oidc_scope: str = Field("openid profile", description="What the browser login asks for")
    public_url: Annotated[str | None, BLANK_IS_NONE] = Field(
        None,
        description="How a browser reaches the API, without a path; the login needs it",
        examples=["https://obzvon.example"],
    )
    session_hours: float = Field(
        12, gt=0, le=24 * 31, description="Hours after which a user must log in again"
    )
    rate_limit: str = Field(
        "600/minute", description="Requests per caller: N/second, N/minute, N/hour, or none"
    )
    rate_limit_unknown: str = Field(
        "300/minute",
        description="Refused or unauthenticated attempts per network address, likewise",
    )
    max_body_bytes: int = Field(65_536, ge=1_024, description="Largest request body")
    request_timeout_s: float = Field(
        30, gt=0, description="Seconds until an answer must have begun; streams may go on"
    )
    cors_origins: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Origins whose pages may read the API with a bearer token"
    )
    trusted_proxies: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Addresses or networks whose X-Forwarded-For and -Proto are believed"
    )

    _split = field_validator("cors_origins", "trusted_proxies", mode="before")(_items)

    @field_validator("rate_limit", "rate_limit_unknown")
    @classmethod
    def _is_rate(cls, value: str) -> str:
        try:
            # Of several rates `parse` takes the first and ignores the rest.
            is_rate = value == UNLIMITED or (";" not in value and parse(value).amount > 0)
        except ValueError:
            is_rate = False
        if not is_rate:
            raise ValueError("give one rate like 600/minute, or none")
        return value

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if urlsplit(origin).scheme not in ("http", "https") or origin_of(origin) != origin:
                raise ValueError(f"{origin!r} is not an origin; write it like https://page.example")
        return value

    @field_validator("trusted_proxies")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for network in value:
            try:
                ip_network(network)
            except ValueError:
                raise ValueError(f"{network!r} is not an address or network (10.0.0.0/8)") from None
        return value

    @field_validator("public_url")
    @classmethod
    def _is_origin(cls, value: str | None) -> str | None:
        if value is None:
            return None
        value = value.rstrip("/")
        if urlsplit(value).scheme not in ("http", "https") or origin_of(value) != value:
            raise ValueError("give scheme, host and port only, like https://obzvon.example")
        return value

    @model_validator(mode="after")
    def _is_safe_and_whole(self) -> Self:
        for name, url in (("issuer", self.oidc_issuer), ("jwks_url", self.oidc_jwks_url)):
            if url is None:
                continue
            parts = urlsplit(url)
            if parts.scheme not in ("http", "https") or not parts.hostname:
                raise ValueError(f"OBZVON_OIDC_{name.upper()}={url!r} is not an http(s) address")
            if not self.may_fetch(url):
                raise ValueError(
                    f"OBZVON_OIDC_{name.upper()}={url!r} is plain http: use https, or set "
                    "OBZVON_OIDC_ALLOW_HTTP=true if nobody else can reach that network"
                )
        if self.oidc_role_head == self.oidc_role_quality_control:
            raise ValueError(
                f"OBZVON_OIDC_ROLE_HEAD and OBZVON_OIDC_ROLE_QUALITY_CONTROL are both "
                f"{self.oidc_role_head!r}: name two roles"
            )
        if self.oidc_client_id is not None:
            for needed in ("public_url", "access_redis_url"):
                if getattr(self, needed) is None:
                    raise ValueError(
                        f"OBZVON_{needed.upper()} is missing: OBZVON_OIDC_CLIENT_ID switches on "
                        "the browser login, which needs it"
                    )
            if self.oidc_client_id == self.oidc_audience:
                raise ValueError(
                    f"OBZVON_OIDC_CLIENT_ID and OBZVON_OIDC_AUDIENCE are both "
                    f"{self.oidc_client_id!r}: an ID token of the login would then name the API as "
                    "its audience; give the API an audience of its own"
                )
        return self

    def may_fetch(self, url: str) -> bool:
        """Whether an address may be fetched: over https, or on this machine."""
        parts = urlsplit(url)
        return parts.scheme == "https" or (
            parts.scheme == "http" and (parts.hostname in _LOOPBACK or self.oidc_allow_http)
        )

    @property
    def trusts_proxy_variables(self) -> bool:
        """Whether HTTP_PROXY and the like apply: never to an issuer on this machine."""
        return urlsplit(self.oidc_issuer).hostname not in _LOOPBACK

    @property
    def is_https(self) -> bool:
        """Whether browsers reach the API over https: then cookies are Secure and HSTS is sent."""
        return self.public_url is not None and self.public_url.startswith("https://")
