"""Wrong settings of the query API are reported in one line."""

import os
import subprocess
import sys

import pytest

from query_api.settings import load_settings

GOOD = {
    "OBZVON_REDIS_URL": "redis://127.0.0.1:1",
    "OBZVON_OIDC_ISSUER": "https://login.example",
}


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"OBZVON_REDIS_URL": None}, "OBZVON_REDIS_URL is not set"),
        ({"OBZVON_REDIS_URL": "http://x"}, "OBZVON_REDIS_URL='http://x' is wrong"),
        ({"OBZVON_TIMEZONE": "Mars/Base"}, "OBZVON_TIMEZONE='Mars/Base' is wrong"),
        ({"OBZVON_DAY_END": "25:00"}, "OBZVON_DAY_END='25:00' is wrong"),
        ({"OBZVON_API_PORT": "high"}, "OBZVON_API_PORT='high' is wrong"),
        ({"OBZVON_STALE_AFTER_S": "0"}, "OBZVON_STALE_AFTER_S='0' is wrong"),
        ({"OBZVON_NOW": "2026-11-24T12:00"}, "OBZVON_NOW='2026-11-24T12:00' is wrong"),
        ({"OBZVON_OIDC_ISSUER": None}, "OBZVON_OIDC_ISSUER is not set"),
    ],
)
def test_a_wrong_setting_is_named_in_one_line(
    changed: dict[str, str | None],
    named: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name, value in (GOOD | changed).items():
        if value is None:
            monkeypatch.delenv(name, raising=False)
        else:
            monkeypatch.setenv(name, value)

    with pytest.raises(SystemExit) as ended:
        load_settings()

    told = capsys.readouterr()
    assert ended.value.code == 2
    assert named in told.err
    assert len(told.err.splitlines()) == 1
    assert told.out == ""


def test_the_service_does_not_start_with_a_wrong_setting() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "query_api"],
        env=os.environ | GOOD | {"OBZVON_API_PORT": "70000"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 2
    assert "OBZVON_API_PORT='70000' is wrong" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1
