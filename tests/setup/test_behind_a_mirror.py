"""`make setup` where pip is configured for a mirror with a private certificate and a password.

Not part of `make test`: it downloads every locked wheel (150 MB) to serve it again.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.package_index import PASSWORD, package_index
from support.paths import ROOT

WHEELS = ROOT / ".cache" / "wheels"
CONFIGURED = ("PIP_", "UV_", "SSL_CERT", "REQUESTS_", "CURL_", "VIRTUAL_ENV", "MAKE")


@pytest.mark.timeout(580)
def test_make_setup_takes_everything_from_the_mirror(tmp_path: Path) -> None:
    download_wheels()
    run("git", "clone", "--quiet", str(ROOT), str(tmp_path / "clone"))
    with package_index(WHEELS, tmp_path / "certificates") as index:
        home = tmp_path / "home"
        (home / ".config/pip").mkdir(parents=True)
        (home / ".config/pip/pip.conf").write_text(
            f"[global]\nindex-url = {index.url}\ncert = {index.authority}\n"
        )
        done = subprocess.run(
            ["make", f"PYTHON={base_python()}", ".venv/.installed"],
            cwd=tmp_path / "clone",
            env=environment(home),
            capture_output=True,
            text=True,
            check=False,
        )
        served = set(index.served)
    assert PASSWORD not in done.stdout + done.stderr
    assert done.returncode == 0, done.stderr
    assert {wheel.split("-")[0] for wheel in served} >= {"uv", "ruff", "mypy", "pydantic_core"}
    run(str(tmp_path / "clone/.venv/bin/obzvon"), "--help")


def download_wheels() -> None:
    """Fetches every locked wheel from wherever this machine's pip is told to."""
    for lock in ("bootstrap.txt", "dev.txt"):
        run(sys.executable, "-m", "pip", "download", "--quiet", "--require-hashes", "--no-deps",
            "--only-binary=:all:", "--dest", str(WHEELS), "-r", str(ROOT / "requirements" / lock))  # fmt: skip


def environment(home: Path) -> dict[str, str]:
    """Returns this environment without any configuration of pip and uv, with an empty home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(CONFIGURED)}
    return {**kept, "HOME": str(home), "XDG_CONFIG_HOME": "", "XDG_CACHE_HOME": ""}


def base_python() -> str:
    """Returns the Python that this virtual environment was made with."""
    return str(Path(sys.base_prefix) / "bin" / f"python3.{sys.version_info.minor}")


def run(*command: str) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
