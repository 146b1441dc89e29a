"""Runs uv with the indexes, certificates and proxy that pip is configured with: `uv_like_pip.py UV pip install …`.

pip reads pip.conf and PIP_…; uv reads neither, so behind a mirror with a private certificate it
would ask the public index in vain. The values are handed over in the environment, never as
arguments: an index's URL may contain a password, and arguments are visible to every process.
"""

import ast
import importlib.metadata
import os
import re
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

SCOPES = ("global", "install", ":env:")
"""Where an option may be set, least important first; pip's own order for `pip install`."""

ALIASES = {"UV_DEFAULT_INDEX": "UV_INDEX_URL", "UV_INDEX": "UV_EXTRA_INDEX_URL"}
"""uv's older names of the same variables."""

TRUE = {"1", "true", "yes", "on", "y", "t"}


def pip_options() -> dict[str, str]:
    """Returns what pip is configured with, by the long option's name, as `pip install` sees it."""
    by_key: dict[str, list[str]] = {}
    for line in _pip("config", "list").splitlines():
        key, _, value = line.partition("=")
        by_key.setdefault(key, []).append(value)
    options = {}
    for scope in SCOPES:
        for key, values in by_key.items():
            if key.startswith(f"{scope}."):
                # A recent pip lists a key once for every file that sets it, in no order of precedence.
                value = (
                    ast.literal_eval(values[0])
                    if len(values) == 1
                    else _pip("config", "get", key).strip()
                )
                options[key.removeprefix(f"{scope}.")] = value
    return options


def uv_environment(
    options: Mapping[str, str], environ: Mapping[str, str], *, system_store: bool
) -> dict[str, str]:
    """Returns the variables that make uv use what pip uses; what is set for uv itself stays.

    ``system_store`` says whether pip trusts the system's certificates when it is given no others.
    """
    wanted = {
        "UV_DEFAULT_INDEX": options.get("index-url", ""),
        "UV_INDEX": " ".join(options.get("extra-index-url", "").split()),
        "UV_INSECURE_HOST": " ".join(options.get("trusted-host", "").split()),
        "UV_FIND_LINKS": ",".join(_reachable(options.get("find-links", ""))),
        "UV_KEYRING_PROVIDER": _keyring(options.get("keyring-provider", "")),
        "UV_HTTP_TIMEOUT": options.get("timeout") or options.get("default-timeout", ""),
    }
    given = {
        name: value
        for name, value in wanted.items()
        if value and not environ.keys() & {name, ALIASES.get(name, name)}
    }
    if proxy := options.get("proxy"):
        given |= dict.fromkeys(("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), proxy)
    if client := options.get("client-cert"):
        given["SSL_CLIENT_CERT"] = client
    return given | _trust(options, environ, system_store=system_store)


def _trust(
    options: Mapping[str, str], environ: Mapping[str, str], *, system_store: bool
) -> dict[str, str]:
    # pip's order: requests prefers these variables to --cert, and ignores them if pip names a proxy.
    bundle = "" if options.get("proxy") else _bundle_of_requests(environ)
    if bundle := bundle or options.get("cert", ""):
        path = str(Path(bundle).expanduser())
        return {"SSL_CERT_DIR" if Path(path).is_dir() else "SSL_CERT_FILE": path}
    if system_store and not environ.keys() & {"SSL_CERT_FILE", "SSL_CERT_DIR", "UV_SYSTEM_CERTS"}:
        return {"UV_SYSTEM_CERTS": "true"}
    return {}


def _bundle_of_requests(environ: Mapping[str, str]) -> str:
    return environ.get("REQUESTS_CA_BUNDLE") or environ.get("CURL_CA_BUNDLE") or ""


def _reachable(links: str) -> list[str]:
    # pip ignores a folder that is not there; uv refuses it.
    return [link for link in links.split() if "://" in link or Path(link).expanduser().exists()]


def _keyring(provider: str) -> str:
    # uv has only this one; pip's `import` asks the same keyring within the process.
    return "subprocess" if provider in {"subprocess", "import"} else ""


def system_store() -> bool:
    """Returns whether this pip trusts the system's certificates (since 24.2), and there are some."""
    version = tuple(int(number) for number in re.findall(r"\d+", importlib.metadata.version("pip")))
    paths = ssl.get_default_verify_paths()
    return version >= (24, 2) and bool(
        sys.platform in {"darwin", "win32"}
        or paths.cafile
        or (paths.capath and any(Path(paths.capath).iterdir()))
    )


def _pip(*arguments: str) -> str:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def main() -> None:
    """Replaces this process by uv."""
    options = pip_options()
    given = uv_environment(options, os.environ, system_store=system_store())
    # uv has no variable for this one.
    offline = ["--no-index"] if options.get("no-index", "").lower() in TRUE else []
    command = [*sys.argv[1:], *offline]
    os.execvpe(command[0], command, {**os.environ, **given})


if __name__ == "__main__":
    main()
