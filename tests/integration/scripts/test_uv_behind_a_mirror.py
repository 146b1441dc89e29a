"""uv installs from an index whose certificate is private and whose URL has a password, as pip does."""

import base64
import hashlib
import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.package_index import PASSWORD, PackageIndex, package_index
from support.paths import ROOT

UV = str(Path(sys.executable).with_name("uv"))
CONFIGURED = ("PIP_", "UV_", "SSL_CERT", "REQUESTS_", "CURL_")


@pytest.fixture
def index(tmp_path: Path) -> Iterator[PackageIndex]:
    wheels = tmp_path / "wheels"
    wheels.mkdir()
    write_wheel(wheels)
    with package_index(wheels, tmp_path / "certificates") as running:
        yield running


def write_wheel(folder: Path) -> None:
    """Writes the smallest wheel there is."""
    info = "mirrored_probe-1.0.dist-info"
    files = {
        "mirrored_probe.py": b"",
        f"{info}/METADATA": b"Metadata-Version: 2.1\nName: mirrored-probe\nVersion: 1.0\n",
        f"{info}/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    record = [
        f"{name},sha256={base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b'=').decode()},{len(data)}"
        for name, data in files.items()
    ]
    with zipfile.ZipFile(folder / "mirrored_probe-1.0-py3-none-any.whl", "w") as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)
        wheel.writestr(f"{info}/RECORD", "\n".join([*record, f"{info}/RECORD,,", ""]))


def environment(home: Path, **variables: str) -> dict[str, str]:
    """Returns an environment without any configuration but the given one, and empty caches."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CONFIGURED)}
    return {**kept, "HOME": str(home), "XDG_CONFIG_HOME": "", "XDG_CACHE_HOME": ""} | variables


def install(
    home: Path, env: dict[str, str], *command: str
) -> tuple[subprocess.CompletedProcess[str], bool]:
    """Installs the wheel with pip or uv; returns what it printed and whether the module is there."""
    target = home / "installed"
    arguments = ["pip", "install", "--no-deps", "--target", str(target), "mirrored-probe==1.0"]
    done = subprocess.run(
        [*command, *arguments], env=env, capture_output=True, text=True, timeout=60, check=False
    )
    return done, (target / "mirrored_probe.py").exists()


def by_uv(home: Path, env: dict[str, str]) -> tuple[subprocess.CompletedProcess[str], bool]:
    env |= {"UV_PYTHON": sys.executable, "UV_HTTP_RETRIES": "0"}
    return install(home, env, sys.executable, str(ROOT / "scripts/uv_like_pip.py"), UV)


def write_pip_conf(home: Path, text: str) -> None:
    (home / ".config/pip").mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_text(text)


def test_pip_conf_is_enough(index: PackageIndex, tmp_path: Path) -> None:
    write_pip_conf(tmp_path, f"[global]\nindex-url = {index.url}\ncert = {index.authority}\n")
    done, installed = by_uv(tmp_path, environment(tmp_path))
    assert done.returncode == 0, done.stderr
    assert installed
    assert index.served == ["mirrored_probe-1.0-py3-none-any.whl"]


@pytest.mark.parametrize("bundle", ["PIP_CERT", "REQUESTS_CA_BUNDLE"])
def test_variables_are_enough(index: PackageIndex, tmp_path: Path, bundle: str) -> None:
    env = environment(tmp_path, PIP_INDEX_URL=index.url) | {bundle: str(index.authority)}
    assert by_uv(tmp_path, env)[1]


def test_a_trusted_host_needs_no_certificate(index: PackageIndex, tmp_path: Path) -> None:
    host = f"127.0.0.1:{index.server_port}"
    env = environment(tmp_path, PIP_INDEX_URL=index.url, PIP_TRUSTED_HOST=host)
    assert by_uv(tmp_path, env)[1]


def test_a_second_index_is_asked_too(index: PackageIndex, tmp_path: Path) -> None:
    env = environment(
        tmp_path,
        PIP_INDEX_URL=index.url.replace("/simple/", "/nothing/"),
        PIP_EXTRA_INDEX_URL=index.url,
        PIP_CERT=str(index.authority),
    )
    assert by_uv(tmp_path, env)[1]


def test_a_certificate_that_is_not_trusted_is_refused_and_no_password_is_printed(
    index: PackageIndex, tmp_path: Path
) -> None:
    done, installed = by_uv(tmp_path, environment(tmp_path, PIP_INDEX_URL=index.url))
    assert done.returncode != 0
    assert not installed
    assert "127.0.0.1" in done.stderr
    assert PASSWORD not in done.stdout + done.stderr


def test_a_wrong_password_is_refused_and_not_printed(index: PackageIndex, tmp_path: Path) -> None:
    url = index.url.replace(PASSWORD, "wr0ng-one")
    env = environment(tmp_path, PIP_INDEX_URL=url, PIP_CERT=str(index.authority))
    done, installed = by_uv(tmp_path, env)
    assert done.returncode != 0
    assert not installed
    assert "wr0ng-one" not in done.stdout + done.stderr
