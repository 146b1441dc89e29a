"""A wrong setting is told without the secrets in it."""

import pytest

from projector.commands.environment import settings_or_exit
from projector.commands.environment import without_secrets as of_projector
from query_api.settings import without_secrets as of_api


@pytest.mark.parametrize("shown", [of_projector, of_api])
def test_a_url_is_shown_without_its_password(shown: object) -> None:
    assert callable(shown)
    url = "rediss://user:hunter2@redis.test:6379/0"
    assert shown("OBZVON_REDIS_URL", url) == "rediss://***@redis.test:6379/0"


def test_a_password_is_not_shown() -> None:
    assert of_projector("OBZVON_KAFKA_SASL_PASSWORD", "hunter2") == "***"
    assert of_api("OBZVON_OIDC_CLIENT_SECRET", "hunter2") == "***"


def test_the_projector_ends_with_one_line_that_names_the_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBZVON_KAFKA_BOOTSTRAP_SERVERS", "kafka.test:9092")
    monkeypatch.setenv("OBZVON_REDIS_URL", "http://me:hunter2@redis.test")
    with pytest.raises(SystemExit) as ended:
        settings_or_exit()
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
        settings_or_exit()
    assert "OBZVON_REDIS_URL is not set" in capsys.readouterr().err
