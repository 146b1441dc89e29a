"""Wrong arguments and settings of the projector are reported in one line."""

import pytest

from projector.__main__ import main


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ("rebuild --keep-s nan", "'nan' is not a number of seconds"),
        ("rebuild --keep-s inf", "'inf' is not a number of seconds"),
        ("rebuild --keep-s=-1", "'-1' is not a number of seconds"),
        ("run --partition=-1", "'-1' is not a whole number from 0 on"),
        ("run --accept-through soon", "'soon' is not a whole number from 0 on"),
        ("redrive --limit 0", "'0' is not a whole number above 0"),
        ("bury", "no such command: bury"),
    ],
)
def test_invalid_argument_is_rejected(
    arguments: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(arguments.split())
    except SystemExit as ended:
        code = int(ended.code or 0)
    assert code == 2
    assert said in capsys.readouterr().err


def test_missing_certificate_is_reported_with_its_setting(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("OBZVON_KAFKA_BOOTSTRAP_SERVERS", "k:1")
    monkeypatch.setenv("OBZVON_REDIS_URL", "redis://r")
    monkeypatch.setenv("OBZVON_KAFKA_SSL_CAFILE", "/nowhere/ca.pem")
    with pytest.raises(SystemExit) as ended:
        main(["verify"])
    assert ended.value.code == 2
    assert "OBZVON_KAFKA_SSL_CAFILE is '/nowhere/ca.pem': " in capsys.readouterr().err
