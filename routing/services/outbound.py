"""Requests to addresses that somebody else chose: webhook receivers and judges.

Whoever may name an address could name one of ours: the database behind the firewall, the cloud's
metadata service. So a name is resolved once, every address it has must be a public one (or one that the
operator allows with PRIVATE_TARGETS), and the connection goes to that very address: a name that
answers otherwise the second time gains nothing. The name stays what TLS verifies. No redirect is followed, no
proxy is taken from the environment, nothing is decompressed, and a request ends at its deadline
whatever the other side does. Safe to use from several threads.
"""

import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import httpcore
import httpx
from django.conf import settings
from django.utils.translation import gettext as _

from routing.services.targets import PrivateTargets, TargetRefused

MAX_URL_CHARS = 2000
# How long a name may take when an address is only checked, with somebody waiting for the page.
CHECK_SECONDS = 3.0
READ_BYTES = 65_536


class OutboundError(Exception):
    """No answer; the message says why, in words for the owner of the address. Trying again may help."""


class Unreachable(OutboundError):
    """The name is unknown, nothing listens there, the connection broke, or TLS failed."""


class DeadlineExceeded(OutboundError):
    """The other side did not finish in time, or took too long between two bytes."""


class BadAnswer(OutboundError):
    """What came back is not HTTP."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back.

    `headers` have lower-case names. `body` is raw, as sent, at most `max_body` bytes of it; `truncated`
    tells that there was more, or that it was not read at all.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    seconds: float

    @property
    def ok(self) -> bool:
        return 200 <= self.status < 300


@dataclass(frozen=True, slots=True)
class Outbound:
    """How requests go out. All times are in seconds.

    `allowed`: private hosts and networks that may be reached, and over plain http.
    `connect_seconds`: for one connection attempt. `read_seconds`: between two reads.
    `total_seconds`: for everything, from resolving the name to the last byte.
    `max_body`: bytes of the answer that are read; 0 leaves the body alone, and the status is the answer.
    """

    allowed: PrivateTargets = field(default_factory=PrivateTargets)
    connect_seconds: float = 5.0
    read_seconds: float = 10.0
    total_seconds: float = 15.0
    max_body: int = 1_048_576

    def check(self, url: str) -> None:
        """Raise TargetRefused for an address that would never be asked.

        A name that does not resolve now passes: it may exist tomorrow, and is checked again each time.
        """
        target = parsed_target(url)
        deadline = Deadline(CHECK_SECONDS)
        try:
            addresses = resolved(_host(target), target.port or 443, deadline)
        except OutboundError:
            addresses = []
        self._permit(target, addresses)

    def send(self, method: str, url: str, *, headers: Mapping[str, str] | None = None, content: bytes = b"") -> Answer:
        """One request and its answer, whatever its status; a redirect is an answer like any other.

        Raises TargetRefused (asking again will not help) or one of the OutboundErrors.
        """
        target = parsed_target(url)
        deadline = Deadline(self.total_seconds)
        fields = {"Host": target.netloc.decode(), "Accept-Encoding": "identity", "Connection": "close"}
        backend = _PinnedBackend(self, target, deadline)
        timeouts = {"connect": self.connect_seconds, "read": self.read_seconds, "write": self.read_seconds}
        wanted = httpcore.URL(
            scheme=target.raw_scheme, host=target.raw_host, port=target.port, target=target.raw_path or b"/"
        )
        with (
            _plain_words(deadline),
            httpcore.ConnectionPool(ssl_context=_tls(), network_backend=backend, max_connections=1) as pool,
            pool.stream(
                method,
                wanted,
                headers=list((fields | dict(headers or {})).items()),
                content=content,
                extensions={"timeout": timeouts},
            ) as response,
        ):
            body, truncated = self._body(response)
            named = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in response.headers}
            return Answer(response.status, named, body, truncated, deadline.spent)

    def _body(self, response: httpcore.Response) -> tuple[bytes, bool]:
        if not self.max_body:
            return b"", True
        kept = bytearray()
        for chunk in response.iter_stream():
            kept += chunk
            if len(kept) > self.max_body:
                return bytes(kept[: self.max_body]), True
        return bytes(kept), False

    def _permit(self, target: httpx.URL, addresses: list[str]) -> None:
        """Raise TargetRefused unless every one of the addresses may be reached this way."""
        private = self.allowed.permit(_host(target), addresses)
        if target.scheme == "http" and not private:
            raise TargetRefused(_("Use https: over plain http anybody on the way could read and change what is sent."))


def outbound(**changes: Any) -> Outbound:
    """The client as the operator configured it, with the given fields changed."""
    return Outbound(**({"allowed": PrivateTargets.of(settings.PRIVATE_TARGETS)} | changes))


def parsed_target(url: str) -> httpx.URL:
    """The address in its parts, its host in ASCII. Raises TargetRefused for what is no http(s) address."""
    if len(url) > MAX_URL_CHARS:
        raise TargetRefused(_("The address is longer than %(limit)s characters.") % {"limit": MAX_URL_CHARS})
    if any(character.isspace() or not character.isprintable() or character == "\\" for character in url):
        raise TargetRefused(_("The address holds spaces, backslashes or control characters."))
    try:
        target = httpx.URL(url)
    except (httpx.InvalidURL, ValueError) as error:
        raise TargetRefused(_("The address cannot be read: %(error)s") % {"error": error}) from None
    if target.scheme not in ("http", "https"):
        raise TargetRefused(_("The address must start with https://."))
    if not target.raw_host:
        raise TargetRefused(_("The address names no host."))
    if target.port is not None and not 1 <= target.port <= 65_535:
        raise TargetRefused(_("The address names a port that does not exist."))
    if target.userinfo:
        raise TargetRefused(_("The address must not hold a user name or password."))
    return target


def _host(target: httpx.URL) -> str:
    """As it stands in DNS and in certificates. The property `host` would decode it, and fails on what is no IDNA."""
    return target.raw_host.decode("ascii")


class Deadline:
    """A moment by which everything must be done, on the clock that nobody sets back."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._began = time.monotonic()

    @property
    def spent(self) -> float:
        return time.monotonic() - self._began

    def left(self, at_most: float | None = None) -> float:
        """Seconds left, capped. Raises DeadlineExceeded when there are none."""
        left = self.seconds - self.spent
        if left <= 0:
            raise DeadlineExceeded(f"No complete answer within {self.seconds:g} seconds.")
        return left if at_most is None else min(left, at_most)


def resolved(host: str, port: int, deadline: Deadline) -> list[str]:
    """The addresses of a name, in the resolver's order. Raises Unreachable or DeadlineExceeded."""
    found: list[str] = []
    failure: list[OSError | UnicodeError] = []

    def ask() -> None:
        try:
            rows = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            failure.append(error)
        else:
            found.extend(dict.fromkeys(str(row[4][0]) for row in rows))

    # The system's resolver knows no deadline of ours, so it works beside us and may be left behind.
    thread = threading.Thread(target=ask, name="outbound-resolver", daemon=True)
    thread.start()
    thread.join(deadline.left())
    if thread.is_alive():
        raise DeadlineExceeded(f"The name {host} could not be resolved within {deadline.seconds:g} seconds.")
    if failure or not found:
        raise Unreachable(f"The name {host} cannot be resolved.")
    return found


class _PinnedBackend(httpcore.NetworkBackend):
    """Makes the one connection of a request, to an address that was checked."""

    def __init__(self, client: Outbound, target: httpx.URL, deadline: Deadline) -> None:
        self.client, self.target, self.deadline = client, target, deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        addresses = resolved(host, port, self.deadline)
        self.client._permit(self.target, addresses)
        failure: OSError | None = None
        for address in addresses:
            try:
                connection = socket.create_connection((address, port), self.deadline.left(timeout))
            except OSError as error:
                failure = error
                continue
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return _DeadlineStream(connection, self.deadline)
        raise Unreachable(f"Nothing answers at {host} port {port}: {_reason(failure)}.")


class _DeadlineStream(httpcore.NetworkStream):
    """A connection on which no single wait outlasts the request's deadline: a server that sends one byte
    every few seconds never trips a timeout between reads."""

    def __init__(self, connection: socket.socket, deadline: Deadline) -> None:
        self._socket, self._deadline = connection, deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        self._socket.settimeout(self._deadline.left(timeout))
        return self._socket.recv(min(max_bytes, READ_BYTES))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        view = memoryview(buffer)
        while view:
            self._socket.settimeout(self._deadline.left(timeout))
            view = view[self._socket.send(view[:READ_BYTES]) :]

    def close(self) -> None:
        self._socket.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        self._socket.settimeout(self._deadline.left(timeout))
        try:
            wrapped = ssl_context.wrap_socket(self._socket, server_hostname=server_hostname)
        except BaseException:
            self.close()
            raise
        return _DeadlineStream(wrapped, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return {"socket": self._socket, "is_readable": False}.get(info)


@contextlib.contextmanager
def _plain_words(deadline: Deadline) -> Iterator[None]:
    """Turns what the socket and HTTP layers raise into this module's errors."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise Unreachable(f"The certificate is not valid: {error.verify_message}.") from error
    except (TimeoutError, httpcore.TimeoutException) as error:
        # Raises in its own words when it is the deadline that has passed.
        deadline.left()
        raise DeadlineExceeded("The other side did not go on in time.") from error
    except httpcore.ProtocolError as error:
        raise BadAnswer(f"What came back is not HTTP: {error}") from error
    except (OSError, httpcore.NetworkError) as error:
        raise Unreachable(f"The connection failed: {_reason(error)}.") from error


def _reason(error: Exception | None) -> str:
    if isinstance(error, TimeoutError):
        return "no connection in time"
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({error.reason})"
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__).rstrip(".")


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Verifies against the well-known authorities, or those in SSL_CERT_FILE. Dear to make, safe to share."""
    return httpx.create_ssl_context()
