"""A package index over HTTPS on 127.0.0.1, with a certificate that no system trusts and a password."""

import base64
import datetime as dt
import html
import ipaddress
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from packaging.utils import canonicalize_name

USER, PASSWORD = "reader", "pa55-of-the-mirror"


@contextmanager
def package_index(wheels: Path, certificates: Path) -> Iterator["PackageIndex"]:
    """Serves the wheels of a folder by PEP 503; writes `ca.pem` and the server's key to `certificates`."""
    chain = _certificates(certificates)
    index = PackageIndex(wheels, certificates / "ca.pem")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain)
    index.socket = context.wrap_socket(
        index.socket, server_side=True, do_handshake_on_connect=False
    )
    thread = threading.Thread(target=index.serve_forever, daemon=True)
    thread.start()
    try:
        yield index
    finally:
        index.shutdown()
        thread.join()
        index.server_close()


class PackageIndex(ThreadingHTTPServer):
    """The running index: its URL with the password, and the authority that signed its certificate."""

    daemon_threads = True

    def __init__(self, wheels: Path, authority: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.wheels = wheels
        self.authority = authority
        self.served: list[str] = []
        """Files that were fetched."""

    @property
    def url(self) -> str:
        return f"https://{USER}:{PASSWORD}@127.0.0.1:{self.server_port}/simple/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Is silent: a client that refuses the certificate is what is tested."""


class _Handler(SimpleHTTPRequestHandler):
    server: PackageIndex
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        wanted = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if self.headers.get("Authorization") != f"Basic {wanted}":
            self._answer(401, b"", {"WWW-Authenticate": 'Basic realm="mirror"'})
            return
        match urlsplit(self.path).path.strip("/").split("/"):
            case ["simple", project]:
                self._answer(200, self._links(project), {"Content-Type": "text/html"})
            case ["files", name] if (wheel := self.server.wheels / unquote(name)).is_file():
                self.server.served.append(wheel.name)
                self._answer(200, wheel.read_bytes(), {"Content-Type": "application/octet-stream"})
            case _:
                self._answer(404, b"", {})

    def _links(self, project: str) -> bytes:
        names = sorted(
            wheel.name
            for wheel in self.server.wheels.iterdir()
            if canonicalize_name(wheel.name.split("-")[0]) == project
        )
        links = "".join(f'<a href="/files/{html.escape(name)}">{name}</a>\n' for name in names)
        return f"<!DOCTYPE html><html><body>{links}</body></html>".encode()

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Is silent."""


def _certificates(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    now = dt.datetime.now(dt.UTC)

    def certificate(
        name: str, key: ec.EllipticCurvePrivateKey, issuer: str
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]))
            .issuer_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, issuer)]))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
        )

    authority, server = (
        ec.generate_private_key(ec.SECP256R1()),
        ec.generate_private_key(ec.SECP256R1()),
    )
    root = (
        certificate("A private authority", authority, "A private authority")
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(authority, hashes.SHA256())
    )
    leaf = (
        certificate("127.0.0.1", server, "A private authority")
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]),
            critical=False,
        )
        .sign(authority, hashes.SHA256())
    )
    (folder / "ca.pem").write_bytes(root.public_bytes(serialization.Encoding.PEM))
    chain = folder / "server.pem"
    chain.write_bytes(
        server.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + leaf.public_bytes(serialization.Encoding.PEM)
    )
    return chain
