"""A wrong setting is shown without the secrets in it."""

import pytest
from pydantic import ValidationError

from projector.settings import load_settings
from query_api.settings import Settings
from runtime.settings import redact, wrong_setting


def test_a_url_is_shown_without_its_user_and_password() -> None:
    url = "rediss://user:hunter2@redis.test:6379/0"
    assert redact("OBZVON_REDIS_URL", url) == "rediss://***@redis.test:6379/0"


@pytest.mark.parametrize(
    "url",
    [
        "redis://me:hunt/er2@redis.test",
        "redis://me:hunt@er2@redis.test",
        "redis+cluster://me:hunter2@a:1,b:2",
        "redis://redis.test/0?pool=big&password=hunter2",
        "redis://redis.test/0?password=hunter2&pool=big",
    ],
)
def test_no_part_of_a_password_in_a_url_is_shown(url: str) -> None:
    shown = redact("OBZVON_REDIS_URL", url)
    assert "hunt" not in shown
    assert "er2" not in shown
    assert ("pool=big" in shown) == ("pool=big" in url)


def test_a_password_or_secret_is_not_shown() -> None:
    assert redact("OBZVON_KAFKA_SASL_PASSWORD", "hunter2") == "***"
    assert redact("OBZVON_OIDC_CLIENT_SECRET", "hunter2") == "***"


def test_message_that_repeats_a_url_hides_its_password() -> None:
    with pytest.raises(ValidationError) as refused:
        Settings(
            redis_url="redis://redis.test", oidc_issuer="http://me:hunter2@issuer.test/realms/calls"
        )
    wrong = wrong_setting(refused.value, Settings)
    assert "http://***@issuer.test/realms/calls" in wrong.message
    assert "hunter2" not in wrong.message


def test_any_other_value_is_shown_as_it_is() -> None:
    assert redact("OBZVON_TIMEZONE", "Mars/Base") == "Mars/Base"
    assert redact("OBZVON_API_PORT", 70_000) == "70000"


def test_the_projector_ends_with_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBZVON_KAFKA_BOOTSTRAP_SERVERS", "kafka.test:9092")
    monkeypatch.setenv("OBZVON_REDIS_URL", "http://me:hunter2@redis.test")
    with pytest.raises(SystemExit) as ended:
        load_settings()
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "OBZVON_REDIS_URL" in line
    assert "redis+cluster://" in line
    assert "hunter2" not in line


def test_the_projector_names_a_setting_that_is_missing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("OBZVON_REDIS_URL", raising=False)
    monkeypatch.setenv("OBZVON_KAFKA_BOOTSTRAP_SERVERS", "kafka.test:9092")
    with pytest.raises(SystemExit):
        load_settings()
    assert "OBZVON_REDIS_URL is not set" in capsys.readouterr().err
