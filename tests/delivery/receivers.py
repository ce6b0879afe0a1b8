"""Receivers of webhooks that behave as told: well, slowly, wrongly or with malice. Real servers on loopback."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

CHUNK = b"x" * 65_536


@dataclass(frozen=True)
class Received:
    """One request as it came in."""

    path: str
    headers: dict[str, str]
    body: bytes


Behaviour = Callable[[Any], None]


def answering(status: int, **headers: str) -> Behaviour:
    """Answers with a status and headers (underscores stand for dashes), and without a body."""

    def behave(handler: Any) -> None:
        handler.send_response(status)
        for name, value in ({"Content_Length": "0"} | headers).items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()

    return behave


def endless(handler: Any) -> None:
    """200, and ten gigabytes."""
    handler.send_response(200)
    handler.send_header("Content-Length", str(10 * 1024**3))
    handler.end_headers()
    sent = 0
    with contextlib.suppress(OSError):
        while sent < 10 * 1024**3:
            handler.wfile.write(CHUNK)
            sent += len(CHUNK)
            handler.server.receiver.bytes_out = sent


def silent(handler: Any) -> None:
    """Takes the request and says nothing until it is told to stop."""
    handler.server.receiver.stopping.wait(60)


def dripping(handler: Any) -> None:
    """One byte of an endless header every tenth of a second."""
    with contextlib.suppress(OSError):
        handler.wfile.write(b"HTTP/1.1 200 OK\r\nX-Long: ")
        while not handler.server.receiver.stopping.wait(0.1):
            handler.wfile.write(b"x")
            handler.wfile.flush()


def babbling(handler: Any) -> None:
    handler.wfile.write(b"\x16\x03\x01 this is not HTTP\r\n\r\n")


def hanging_up(handler: Any) -> None:
    handler.connection.shutdown(socket.SHUT_RDWR)


class Receiver:
    """A server whose `behaviour` can be changed while it runs, and that can be killed and come back."""

    def __init__(self, behaviour: Behaviour | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.behaviour = behaviour or answering(200)
        self.received: list[Received] = []
        self.stopping = threading.Event()
        self.bytes_out = 0
        self._tls = tls
        self._server: ThreadingHTTPServer | None = None
        self.port = 0
        self.start()

    def start(self) -> None:
        """Listen, on the same port as before."""
        self.stopping.clear()
        server = ThreadingHTTPServer(("127.0.0.1", self.port), _Handler)
        server.daemon_threads = True
        if self._tls:
            server.socket = self._tls.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        server.receiver = self
        self.port = server.server_port
        self._server = server
        threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()

    def kill(self) -> None:
        """Stop listening: connections are refused."""
        self.stopping.set()
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        self._handle()

    def do_GET(self) -> None:
        self._handle()

    def _handle(self) -> None:
        receiver = self.server.receiver
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        names = {name.lower(): value for name, value in self.headers.items()}
        receiver.received.append(Received(self.path, names, body))
        self.close_connection = True
        receiver.behaviour(self)

    def log_message(self, *arguments: Any) -> None:
        """Quiet."""


@contextlib.contextmanager
def receiver(behaviour: Behaviour | None = None, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    running = Receiver(behaviour, tls)
    try:
        yield running
    finally:
        running.kill()


@dataclass
class Certificate:
    """A self-signed certificate for some names, as files."""

    names: tuple[str, ...]
    folder: Path
    file: Path = field(init=False)

    def __post_init__(self) -> None:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, self.names[0])])
        now = datetime.now(UTC)
        made = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(each) for each in self.names]), critical=False)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(key, hashes.SHA256())
        )
        self.file = self.folder / f"{self.names[0]}.pem"
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        self.file.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))

    @property
    def server_side(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.file)
        return context
