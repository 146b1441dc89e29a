"""uv is given the indexes, certificates and proxy that pip has."""

from pathlib import Path

import pytest

import uv_like_pip


def uv_environment(
    options: dict[str, str], environ: dict[str, str] | None = None, *, system_store: bool = False
) -> dict[str, str]:
    given: dict[str, str] = uv_like_pip.uv_environment(
        options, environ or {}, system_store=system_store
    )
    return given


def test_nothing_is_changed_where_pip_is_not_configured() -> None:
    assert uv_environment({}) == {}


def test_indexes_are_taken_over_in_order() -> None:
    options = {
        "index-url": "https://reader:secret@mirror.test/simple",
        "extra-index-url": "\nhttps://b.test/simple\nhttps://c.test/simple",
    }
    assert uv_environment(options) == {
        "UV_DEFAULT_INDEX": "https://reader:secret@mirror.test/simple",
        "UV_INDEX": "https://b.test/simple https://c.test/simple",
    }


def test_trusted_hosts_are_trusted() -> None:
    options = {"trusted-host": "a.test\nb.test:8443"}
    assert uv_environment(options) == {"UV_INSECURE_HOST": "a.test b.test:8443"}


@pytest.mark.parametrize(
    "name", ["UV_DEFAULT_INDEX", "UV_INDEX_URL"], ids=["new-name", "older-name"]
)
def test_what_is_set_for_uv_itself_stays(name: str) -> None:
    options = {"index-url": "https://mirror.test/simple"}
    assert uv_environment(options, {name: "https://other.test/simple"}) == {}


def test_the_certificate_file_of_pip_is_trusted() -> None:
    environ = {"SSL_CERT_FILE": "/etc/ssl/other.pem"}
    assert uv_environment({"cert": "/etc/ssl/private.pem"}, environ) == {
        "SSL_CERT_FILE": "/etc/ssl/private.pem"
    }


def test_a_folder_of_certificates_is_trusted(tmp_path: Path) -> None:
    assert uv_environment({"cert": str(tmp_path)}) == {"SSL_CERT_DIR": str(tmp_path)}


@pytest.mark.parametrize("name", ["REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"])
def test_the_bundle_that_pip_prefers_to_its_certificate_is_trusted(name: str) -> None:
    given = uv_environment({"cert": "/etc/ssl/private.pem"}, {name: "/etc/ssl/bundle.pem"})
    assert given == {"SSL_CERT_FILE": "/etc/ssl/bundle.pem"}


def test_a_proxy_is_used_and_makes_pip_ignore_the_bundle_in_the_environment() -> None:
    options = {"proxy": "http://proxy.test:3128", "cert": "/etc/ssl/private.pem"}
    given = uv_environment(options, {"REQUESTS_CA_BUNDLE": "/etc/ssl/bundle.pem"})
    assert given["SSL_CERT_FILE"] == "/etc/ssl/private.pem"
    assert given["HTTPS_PROXY"] == "http://proxy.test:3128"


def test_the_systems_certificates_are_trusted_where_pip_trusts_them() -> None:
    assert uv_environment({}, system_store=True) == {"UV_SYSTEM_CERTS": "true"}
    assert uv_environment({}, {"SSL_CERT_FILE": "/x.pem"}, system_store=True) == {}
    assert uv_environment({"cert": "/x.pem"}, system_store=True) == {"SSL_CERT_FILE": "/x.pem"}


def test_a_folder_of_wheels_that_is_not_there_is_left_out(tmp_path: Path) -> None:
    options = {"find-links": f"{tmp_path} {tmp_path}/absent https://wheels.test/"}
    assert uv_environment(options) == {"UV_FIND_LINKS": f"{tmp_path},https://wheels.test/"}


def test_pip_conf_and_the_environment_are_read_as_pip_install_reads_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    conf = tmp_path / "pip.conf"
    conf.write_text(
        "[global]\nindex-url = https://global.test/\ncert = /global.pem\n"
        "extra-index-url =\n    https://b.test/\n    https://c.test/\n"
        "[install]\nindex-url = https://install.test/\n[download]\nproxy = http://download.test\n"
    )
    monkeypatch.setenv("PIP_CONFIG_FILE", str(conf))
    monkeypatch.setenv("PIP_CERT", "/environment.pem")
    monkeypatch.delenv("PIP_PROXY", raising=False)
    options = uv_like_pip.pip_options()
    assert options["index-url"] == "https://install.test/"
    assert options["cert"] == "/environment.pem"
    assert options["extra-index-url"].split() == ["https://b.test/", "https://c.test/"]
    assert "proxy" not in options
